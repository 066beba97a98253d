/** The certificate and the keys of the tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(__dirname, '..', 'fixtures', 'tls');

/** Paths of the PEM files. */
export const TLS_FILES = {
  certificate: join(FOLDER, 'certificate.pem'),
  key: join(FOLDER, 'key.pem'),
  otherKey: join(FOLDER, 'other-key.pem'),
  encryptedKey: join(FOLDER, 'encrypted-key.pem'),
} as const;

/** The configuration of a server with RTSPS on a free port. */
export const TLS_CONFIG = {
  tlsCertificate: TLS_FILES.certificate,
  tlsKey: TLS_FILES.key,
  tlsPort: 0,
} as const;

/** The certificate, for clients that trust nobody else. */
export const TEST_CERTIFICATE = readFileSync(TLS_FILES.certificate, 'utf8');
