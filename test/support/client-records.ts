/**
 * Makes the records that a TLS 1.3 client sends, key updates among them, which node:tls has no call for. Rule: from the first of
 * these on the client itself sends nothing, since it does not know of them. Spec: RFC 8446 §4.6.3, §5.2, §7; RFC 5869 §2.3.
 */
import { createCipheriv, createHmac } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

const CIPHER = 'TLS_AES_256_GCM_SHA384';
const SECRET_BYTES = 48;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
/** A KeyUpdate that asks for none in return. */
const KEY_UPDATE = Uint8Array.of(24, 0, 0, 1, 0);

/** The client's direction of a connection; see the head of this file. */
export class ClientRecords {
  /** The server has heard the end of the handshake, and sent its first ticket: before that, records may overtake what the client sends. */
  readonly ready: Promise<void>;
  readonly #client: TLSSocket;
  #secret: Buffer | undefined;
  #sequenceNumber = 0;

  /** `client` has not begun its handshake. */
  constructor(client: TLSSocket) {
    this.#client = client;
    this.ready = new Promise((resolve) => client.once('session', () => resolve()));
    client.on('keylog', (line: Buffer) => {
      const secret = /^CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)/.exec(String(line))?.[1];
      if (secret !== undefined) this.#secret = Buffer.from(secret, 'hex');
    });
  }

  /** So many key updates, 27 bytes each; the client has shaken hands. */
  keyUpdates(count: number): Buffer {
    const records: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      records.push(this.#record(HANDSHAKE, KEY_UPDATE));
      this.#secret = expand(this.#knownSecret, 'traffic upd', SECRET_BYTES);
      this.#sequenceNumber = 0;
    }
    return Buffer.concat(records);
  }

  /** A record with content for the server's application. */
  content(bytes: Uint8Array): Buffer {
    return this.#record(APPLICATION_DATA, bytes);
  }

  get #knownSecret(): Buffer {
    if (this.#secret === undefined || this.#client.getCipher().name !== CIPHER)
      throw new Error(`no connection of TLS 1.3 with ${CIPHER}`);
    return this.#secret;
  }

  #record(type: number, bytes: Uint8Array): Buffer {
    const head = Buffer.of(APPLICATION_DATA, 3, 3, 0, 0);
    head.writeUInt16BE(bytes.length + 1 + TAG_BYTES, 3);
    const secret = this.#knownSecret;
    const nonce = expand(secret, 'iv', IV_BYTES);
    const counter = IV_BYTES - 4;
    nonce.writeUInt32BE((nonce.readUInt32BE(counter) ^ this.#sequenceNumber++) >>> 0, counter);
    const cipher = createCipheriv('aes-256-gcm', expand(secret, 'key', KEY_BYTES), nonce).setAAD(head);
    const sealed = [cipher.update(bytes), cipher.update(Uint8Array.of(type)), cipher.final()];
    return Buffer.concat([head, ...sealed, cipher.getAuthTag()]);
  }
}

/** HKDF-Expand-Label without context, of at most one hash. */
function expand(secret: Buffer, label: string, sizeBytes: number): Buffer {
  const name = `tls13 ${label}`;
  const hmac = createHmac('sha384', secret);
  hmac
    .update(Buffer.of(0, sizeBytes, name.length))
    .update(name)
    .update(Buffer.of(0, 1));
  return hmac.digest().subarray(0, sizeBytes);
}
