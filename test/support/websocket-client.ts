/**
 * A client's side of RTSP over a WebSocket: a handshake, frames with a mask, and what the server sends in its own.
 * Rule: what a server may not send throws, and so fails the test. Spec: RFC 6455 §4.1, §5; ONVIF Streaming Specification §7.
 */
import { type ClientOptions, RtspClient } from './rtsp-client';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The key of RFC 6455 §1.3, and what it is answered with. */
export const HANDSHAKE_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const HANDSHAKE_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** What a frame is besides its payload; each may be wrong on purpose. */
export interface FrameForm {
  readonly opcode?: number;
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  /** The bits of extensions: 0x40, 0x20, 0x10. */
  readonly reserved?: number;
}

/** A client's frame. */
export function clientFrame(payload: string | Uint8Array, form: FrameForm = {}): Buffer {
  const { opcode = Opcode.binary, isFinal = true, isMasked = true, reserved = 0 } = form;
  const body = Buffer.from(payload as Uint8Array);
  const { length } = body;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (isFinal ? 0x80 : 0) | reserved | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, body]);
  for (let i = 0; i < length; i++) body[i]! ^= MASK[i % 4]!;
  return Buffer.concat([head, MASK, body]);
}

/** A handshake; `changes` replace headers, and leave out those that are undefined. */
export function handshake(
  changes: Readonly<Record<string, string | undefined>> = {},
  line = 'GET /rtsp HTTP/1.1',
): string {
  const headers = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'keep-alive, Upgrade',
    'Sec-WebSocket-Key': HANDSHAKE_KEY,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'rtsp.onvif.org',
    ...changes,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined);
  return `${line}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** What came in the server's frames. */
export class ServerFrames {
  /** Payloads of its messages, if they are kept. */
  readonly messages: Buffer[] = [];
  isKeepingMessages = false;
  readonly pongs: string[] = [];
  close: { readonly code: number; readonly reason: string } | undefined;
  #rest = Buffer.alloc(0);

  /** Takes bytes of the socket; returns those of the stream within. */
  take(bytes: Uint8Array): Buffer {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const taken: Buffer[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      if (this.close !== undefined) throw new Error('the server sent a frame behind its close frame');
      if (frame.opcode === Opcode.binary) taken.push(frame.payload);
      else this.#control(frame.opcode, frame.payload);
    }
    if (this.isKeepingMessages) this.messages.push(...taken);
    return Buffer.concat(taken);
  }

  #next(): { opcode: number; payload: Buffer } | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const [first, second] = [bytes[0]!, bytes[1]!];
    if ((first & 0xf0) !== 0x80 || second > 127)
      throw new Error(`the server sent a frame that begins with ${bytes.toString('hex', 0, 2)}`);
    const headBytes = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (bytes.length < headBytes) return undefined;
    let length = second;
    if (second === 126) length = bytes.readUInt16BE(2);
    if (second === 127) length = Number(bytes.readBigUInt64BE(2));
    if (bytes.length < headBytes + length) return undefined;
    this.#rest = bytes.subarray(headBytes + length);
    return { opcode: first & 15, payload: bytes.subarray(headBytes, headBytes + length) };
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.pong) this.pongs.push(payload.toString('latin1'));
    else if (opcode === Opcode.close)
      this.close = { code: payload.readUInt16BE(0), reason: payload.toString('latin1', 2) };
    else throw new Error(`the server sent a frame of opcode ${opcode}`);
  }
}

/** A client whose RTSP goes through a WebSocket. */
export interface WebSocketClient {
  readonly client: RtspClient;
  readonly frames: ServerFrames;
}

/** Connects and shakes hands. */
export async function openWebSocket(
  options: ClientOptions,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<WebSocketClient> {
  const client = await RtspClient.connect(options);
  client.send(handshake(changes));
  const { status, headers } = await client.answer('the handshake');
  expect([status, headers.get('Sec-WebSocket-Accept'), headers.get('Sec-WebSocket-Protocol')]).toEqual([
    101,
    HANDSHAKE_ACCEPT,
    'rtsp.onvif.org',
  ]);
  const frames = new ServerFrames();
  client.input = (bytes) => frames.take(bytes);
  client.output = (bytes) => client.socket.write(clientFrame(bytes));
  return { client, frames };
}
