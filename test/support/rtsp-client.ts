/**
 * A small RTSP client for tests: one TCP connection, requests and answers, interleaved packets, raw bytes.
 * Rule: all that arrives is kept in the order of the stream, so that a test can say what followed what; waits have deadlines.
 * Spec: RFC 2326 §4-§7, §10.12.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type InterleavedFrame,
  type RtspHeaders,
  type RtspHeadersInit,
  type RtspResponse,
  RtspStreamParser,
  writeInterleavedHeader,
  writeRequest,
} from 'rtsp-stream-parser';
import { Changes } from './deadline';
import type { TrackReceiver } from './rtp-receiver';
import { TEST_CERTIFICATE } from './tls-files';

/** Where a client connects to, and from. */
export interface ClientOptions {
  readonly port: number;
  /** The server's address; 127.0.0.1 when it is left out. */
  readonly host?: string;
  /** Its own address; another one of 127/8 makes it another host. */
  readonly localAddress?: string;
  /** Whether it speaks TLS; it trusts the certificate of the tests alone. */
  readonly isEncrypted?: boolean;
}

/** An answer, with its body as text. */
export interface Answer {
  readonly status: number;
  readonly headers: RtspHeaders;
  readonly text: string;
  /** How many interleaved frames had arrived before it. */
  readonly framesBefore: number;
}

/** One connection of a client. */
export class RtspClient extends Changes {
  readonly answers: Answer[] = [];
  /** Channel, and the first bytes, of each interleaved frame in order. */
  readonly frames: { readonly channel: number; readonly payload: Buffer }[] = [];
  /** Whether frames are kept in `frames`; off where a test receives megabytes. */
  isKeepingFrames = true;
  isClosed = false;
  /** Where goes what it sends: its socket, the POST half of a tunnel, or a WebSocket. */
  output: (bytes: string | Uint8Array) => void = (bytes) => this.socket.write(bytes);
  /** What of the bytes that come is RTSP: all, or what stands in the messages of a WebSocket. */
  input: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  readonly #parser = new RtspStreamParser();
  readonly #tracks = new Map<number, { track: TrackReceiver; kind: 'rtp' | 'rtcp' }>();
  #error: Error | undefined;
  #taken = 0;
  #cseq = 0;

  private constructor(readonly socket: Socket) {
    super();
    socket.on('data', (bytes) => this.#arrived(bytes));
    socket.on('error', () => {}); // a reset is told by `close`
    socket.on('close', () => {
      this.isClosed = true;
      this.changed();
    });
  }

  /** Connects. The server's address and its own are of one family; both of the IPv4 loopback when they are left out. */
  static connect({ port, host, localAddress, isEncrypted }: ClientOptions): Promise<RtspClient> {
    const from = localAddress ?? (host === undefined ? '127.0.0.1' : undefined);
    const to = host ?? (from?.includes(':') ? '::1' : '127.0.0.1');
    return new Promise((resolve, reject) => {
      const options = { host: to, port, ...(from !== undefined && { localAddress: from }) };
      const socket = isEncrypted
        ? connectTls({ ...options, ca: TEST_CERTIFICATE })
        : connect({ ...options, noDelay: true });
      socket.once('error', reject);
      socket.once(isEncrypted ? 'secureConnect' : 'connect', () => {
        socket.off('error', reject);
        resolve(new RtspClient(socket));
      });
    });
  }

  /** Sends a request with the next CSeq and resolves with its answer; an answer with another CSeq rejects. */
  async request(method: string, url: string, headers: Record<string, string> = {}): Promise<Answer> {
    const cseq = String(++this.#cseq);
    this.send(writeRequest({ method, url, headers: { CSeq: cseq, ...headers } satisfies RtspHeadersInit }));
    const answer = await this.answer(method);
    expect(answer.headers.get('CSeq')).toBe(cseq); // RFC 2326 §12.17
    return answer;
  }

  /** Resolves with the next answer that nobody has taken yet. */
  answer(what = 'an answer'): Promise<Answer> {
    const place = this.#taken++;
    return this.until(() => {
      const answer = this.answers[place];
      if (answer === undefined && (this.isClosed || this.#error !== undefined))
        throw this.#error ?? new Error(`the connection was closed before the answer to ${what}`);
      return answer;
    }, `the answer to ${what}`);
  }

  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void {
    this.output(bytes);
  }

  /** Sends an interleaved frame (RFC 2326 §10.12). */
  sendFrame(channel: number, payload: Uint8Array): void {
    const bytes = new Uint8Array(4 + payload.length);
    bytes.set(payload, writeInterleavedHeader(bytes, 0, channel, payload.length));
    this.send(bytes);
  }

  /** Hands what arrives on the two channels to `track`. */
  receive(track: TrackReceiver, rtpChannel: number): void {
    this.#tracks.set(rtpChannel, { track, kind: 'rtp' });
    this.#tracks.set(rtpChannel + 1, { track, kind: 'rtcp' });
  }

  /** Resolves when the server has closed the connection. */
  async closed(timeoutMs?: number): Promise<void> {
    await this.until(() => this.isClosed, 'the server to close the connection', timeoutMs);
    if (this.#error !== undefined) throw this.#error;
  }

  /** Closes in good order; resolves when the socket is gone. */
  async close(): Promise<void> {
    this.socket.end();
    this.socket.destroy();
    await this.until(() => this.isClosed, 'the socket to close');
  }

  /** Closes with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #arrived(bytes: Uint8Array): void {
    try {
      this.#parser.feed(this.input(bytes));
      for (let message = this.#parser.read(); message !== null; message = this.#parser.read()) {
        if (message.kind === 'frame') this.#frameArrived(message);
        else if (message.kind === 'response') this.#answerArrived(message);
        else throw new Error(`the server sent a request: ${message.method}`);
      }
    } catch (error) {
      this.#error = error as Error;
      this.socket.destroy();
    }
    this.changed();
  }

  #frameArrived({ channel, payload }: InterleavedFrame): void {
    if (this.isKeepingFrames) this.frames.push({ channel, payload: Buffer.from(payload) });
    const receiver = this.#tracks.get(channel);
    if (receiver?.kind === 'rtp') receiver.track.rtpArrived(payload);
    else receiver?.track.rtcpArrived(payload);
  }

  #answerArrived({ statusCode, headers, body }: RtspResponse): void {
    const text = Buffer.from(body).toString('utf8');
    this.answers.push({ status: statusCode, headers, text, framesBefore: this.frames.length });
  }
}
