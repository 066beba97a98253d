/**
 * Reads and checks certificate and private key for RTSPS. Called once by the composition root, before any thread starts.
 * Rule: what can't serve is said here, in one line naming the option; the key is in no log line and in no error.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { TlsIdentity } from '@finch/core';
import type { FinchConfig } from './config';
import { ConfigError, quoteFound } from './config/config-error';
import { describeSystemError } from './config/option-value';

/** A chain of some certificates; what is larger is the wrong file. */
const MAX_FILE_BYTES = 1 << 20;
const CERTIFICATE = { option: 'tls-certificate', expected: 'a certificate in PEM' };
const KEY = { option: 'tls-key', expected: 'a private key in PEM, without passphrase' };

type Part = typeof CERTIFICATE;

/**
 * Gives certificate and key, or undefined when neither is configured.
 * Errors: ConfigError when one is without the other, can't be read, is no PEM, or when they don't belong together.
 */
export function readTlsIdentity({ tlsCertificate, tlsKey }: TlsFiles): TlsIdentity | undefined {
  if (tlsCertificate === undefined && tlsKey === undefined) return undefined;
  if (tlsCertificate === undefined) throw missing(CERTIFICATE, KEY);
  if (tlsKey === undefined) throw missing(KEY, CERTIFICATE);
  const identity = { certificate: readPem(CERTIFICATE, tlsCertificate), key: readPem(KEY, tlsKey) };
  const certificate = parsed(CERTIFICATE, tlsCertificate, () => new X509Certificate(identity.certificate));
  const key: KeyObject = parsed(KEY, tlsKey, () => createPrivateKey(identity.key));
  if (!certificate.checkPrivateKey(key))
    throw new ConfigError(KEY.option, `${quoteFound(tlsKey)} (another key)`, `the key of ${tlsCertificate}`);
  parsed(CERTIFICATE, tlsCertificate, () =>
    createSecureContext({ cert: identity.certificate, key: identity.key }),
  );
  return identity;
}

type TlsFiles = Pick<FinchConfig, 'tlsCertificate' | 'tlsKey'>;

function missing(part: Part, given: Part): ConfigError {
  return new ConfigError(part.option, `nothing beside ${given.option}`, part.expected);
}

function readPem(part: Part, path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw rejected(part, path, `${size} bytes, more than ${MAX_FILE_BYTES}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof ConfigError ? error : rejected(part, path, describeSystemError(error));
  }
}

function parsed<Value>(part: Part, path: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw rejected(part, path, reasonOf(error));
  }
}

function rejected({ option, expected }: Part, path: string, problem: string): ConfigError {
  return new ConfigError(option, `${quoteFound(path)} (${problem})`, expected);
}

/** OpenSSL's reason without its numbers: `no start line`, `ee key too small`. */
function reasonOf(error: unknown): string {
  const { reason, message } = error as { readonly reason?: string; readonly message: string };
  return reason ?? message.replace(/\s+/g, ' ');
}
