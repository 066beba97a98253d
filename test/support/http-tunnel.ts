/**
 * A client's two halves of RTSP over HTTP: what it sends goes as base64 on a POST, what comes is parsed out of the GET's answer.
 * Rule: each message is encoded for itself, padding included, as players do. Spec: Apple, "Tunnelling RTSP and RTP through HTTP".
 */
import { connect, type Socket } from 'node:net';
import { eventually } from './deadline';
import { type Answer, RtspClient } from './rtsp-client';

/** Who connects, and how. */
export interface TunnelOptions {
  readonly port: number;
  readonly host?: string;
  readonly cookie: string;
  readonly version?: 'HTTP/1.0' | 'HTTP/1.1';
  readonly localAddress?: string;
}

/** The POST half: a socket that is written to only. */
export class PostHalf {
  isClosed = false;
  /** What the server sent on it: nothing. */
  received = '';

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Connects and sends the head, with `first` right behind it. */
  static open(options: TunnelOptions, first = '', head = headOf('POST', options)): Promise<PostHalf> {
    const { port, host = '127.0.0.1', localAddress } = options;
    return new Promise((resolve, reject) => {
      const from = localAddress === undefined ? {} : { localAddress };
      const socket = connect({ host, port, noDelay: true, ...from });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.write(`${head}${first}`);
        resolve(new PostHalf(socket));
      });
    });
  }

  /** Sends one message as base64. */
  send(bytes: string | Uint8Array): void {
    this.socket.write(Buffer.from(bytes as Uint8Array).toString('base64'));
  }

  /** Resolves when the server has closed it. */
  async closed(timeoutMs?: number): Promise<void> {
    await eventually(() => expect(this.isClosed).toBe(true), timeoutMs);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Sends the GET; resolves with the client that hears its answer, and the answer's head. */
export async function openGetHalf(options: TunnelOptions): Promise<{ get: RtspClient; answer: Answer }> {
  const get = await RtspClient.connect(options);
  get.send(headOf('GET', options));
  return { get, answer: await get.answer('GET') };
}

/** The client `get` sends on `post` from now on. */
export function join(get: RtspClient, post: PostHalf): RtspClient {
  get.output = (bytes) => post.send(bytes);
  return get;
}

function headOf(method: 'GET' | 'POST', { cookie, version = 'HTTP/1.0' }: TunnelOptions): string {
  const type = 'application/x-rtsp-tunnelled';
  const own = method === 'GET' ? `Accept: ${type}` : `Content-Type: ${type}\r\nContent-Length: 32767`;
  return `${method} /finch-sample.mp4 ${version}\r\nHost: 127.0.0.1\r\nx-sessioncookie: ${cookie}\r\n${own}\r\n\r\n`;
}
