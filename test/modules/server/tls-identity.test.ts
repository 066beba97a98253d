/** Certificate and key: what is served, and what is wrong with them in one line. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTlsIdentity } from '@finch/server/tls-identity';
import { describeUnless } from '../../support/clients';
import { TEST_CERTIFICATE, TLS_FILES } from '../../support/tls-files';

const folder = mkdtempSync(join(tmpdir(), 'finch-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string | Uint8Array): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const { certificate, key, otherKey, encryptedKey } = TLS_FILES;
const A_CERTIFICATE = 'expected a certificate in PEM';
const A_KEY = 'expected a private key in PEM, without passphrase';

it('is undefined when nothing is configured', () => {
  expect(readTlsIdentity({ tlsCertificate: undefined, tlsKey: undefined })).toBeUndefined();
});

it('gives the texts of both files', () => {
  const identity = readTlsIdentity({ tlsCertificate: certificate, tlsKey: key });
  expect(identity?.certificate).toBe(TEST_CERTIFICATE);
  expect(identity?.key).toContain('PRIVATE KEY');
});

it.each<[string, string | undefined, string | undefined, RegExp | string]>([
  ['a key alone', undefined, key, `tls-certificate: found nothing beside tls-key, ${A_CERTIFICATE}`],
  ['a certificate alone', certificate, undefined, `tls-key: found nothing beside tls-certificate, ${A_KEY}`],
  [
    'a certificate that is not there',
    '/no/such.pem',
    key,
    `tls-certificate: found "/no/such.pem" (ENOENT: no such file or directory), ${A_CERTIFICATE}`,
  ],
  ['a folder', folder, key, /^tls-certificate: found ".*" \(EISDIR: .*\), expected a certificate in PEM$/],
  [
    'a key for a certificate',
    key,
    key,
    /^tls-certificate: found ".*" \(.*\), expected a certificate in PEM$/,
  ],
  [
    'a certificate for a key',
    certificate,
    certificate,
    /^tls-key: found ".*" \(.*\), expected a private key/,
  ],
  [
    'a key with a passphrase',
    certificate,
    encryptedKey,
    /^tls-key: found ".*" \(.*\), expected a private key/,
  ],
  [
    'an empty file',
    file('empty.pem', ''),
    key,
    /^tls-certificate: found ".*" \(.*\), expected a certificate/,
  ],
  ['binary noise', file('noise.pem', Uint8Array.of(1, 2, 3)), key, /^tls-certificate: found /],
  [
    'a movie',
    file('large.pem', new Uint8Array((1 << 20) + 1)),
    key,
    /^tls-certificate: found ".*" \(1048577 bytes, more than 1048576\), expected a certificate in PEM$/,
  ],
  [
    'another key',
    certificate,
    otherKey,
    /^tls-key: found ".*" \(another key\), expected the key of \/.*pem$/,
  ],
])('refuses %s in one line', (_, tlsCertificate, tlsKey, expected) => {
  const problem = () => readTlsIdentity({ tlsCertificate, tlsKey });
  expect(problem).toThrow(expected);
  expect(problem).toThrow(/^[^\r\n]+$/);
  expect(problem).not.toThrow(/PRIVATE KEY/);
});

describeUnless(process.getuid?.() === 0 ? 'root may read everything' : undefined)(
  'a key of somebody else',
  () => {
    it('refuses a key that may not be read', () => {
      const path = file('secret.pem', 'x');
      chmodSync(path, 0);
      expect(() => readTlsIdentity({ tlsCertificate: certificate, tlsKey: path })).toThrow(/EACCES/);
    });
  },
);
