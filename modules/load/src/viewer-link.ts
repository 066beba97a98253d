/**
 * The RTSP connection of one viewer: connects, sends requests, and waits for responses while packets go past it.
 * Used by the viewer's coroutine. Rule: one request at a time; what breaks the connection is thrown from the wait, with a
 * reason of a few words that reports count by. Thread: the viewer's.
 */
import { after, type CoroutineBody, errnoName, type SocketAddress, type Task, TaskEvent } from '@finch/core';
import { native } from '@finch/native';
import {
  type RtspHeaders,
  type RtspMessage,
  RtspParseError,
  writeRequest,
  writeResponse,
} from 'rtsp-stream-parser';
import { ReceiveKind, ReceiveRow, type ReceiveSet, type ReceiveSink } from './receive-set';
import { type StreamEvents, StreamScanner } from './stream-scanner';
import { type TunnelName, TunnelPost } from './tunnel-post';

const US_PER_MS = 1000;
const USER_AGENT = 'finch-load';

/** Ends a viewer; `message` is a reason that many viewers may share. */
export class ViewerFailure extends Error {
  override readonly name = 'ViewerFailure';
}

/** A response with its body as text. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: RtspHeaders;
  readonly body: string;
}

/** How a connection is made. */
export interface LinkOptions {
  readonly server: SocketAddress;
  /** Where it comes from; null: any address. */
  readonly local: SocketAddress | null;
  /** 0: the kernel's choice. */
  readonly receiveBufferBytes: number;
  readonly timeoutMs: number;
  /** Through HTTP. */
  readonly tunnel: TunnelName | null;
}

/** Hears the interleaved frames of the connection. */
export type FrameListener = StreamEvents['frame'];

/** A connection; see the head of this file. */
export class ViewerLink implements ReceiveSink, StreamEvents {
  readonly #set: ReceiveSet;
  readonly #owner: Task;
  readonly #scanner = new StreamScanner(this);
  readonly #timeoutMs: number;
  readonly #fd: number;
  readonly #tag: number;
  #isReading = true;
  #isOpen = true;
  #isConnected = false;
  #sequence = 0;
  #answer: Answer | null = null;
  /** Why the connection can't be used any more; '' while it can. */
  broken = '';
  /** The Session header's identifier, once there is one. */
  session = '';
  frame: FrameListener = () => {};

  readonly #server: SocketAddress;
  readonly #local: SocketAddress | null;
  readonly #tunnel: TunnelName | null;
  #post: TunnelPost | null = null;

  /** Begins to connect. Throws ViewerFailure when there are no ports or descriptors. */
  constructor(
    set: ReceiveSet,
    owner: Task,
    { server, local, receiveBufferBytes, timeoutMs, tunnel }: LinkOptions,
  ) {
    this.#set = set;
    this.#owner = owner;
    this.#server = server;
    this.#local = local;
    this.#tunnel = tunnel;
    this.#timeoutMs = timeoutMs;
    this.#fd = native.tcpConnect(server.words, local?.words ?? null, receiveBufferBytes);
    if (this.#fd < 0) throw new ViewerFailure(`connect: ${errnoName(this.#fd)}`);
    native.receiveOptions(this.#fd, 0, false);
    this.#tag = set.add(this.#fd, ReceiveKind.connecting, this);
  }

  /** Waits until the connection is there, both halves of it where it is tunnelled. Throws ViewerFailure. */
  *connected(): CoroutineBody {
    yield* this.#wait('connect', () => this.#isConnected);
    if (this.#tunnel === null) return;
    this.#sendOn(this.#fd, this.#tunnel.getHead, 'GET');
    yield* this.#wait('GET', () => this.#answer !== null);
    const { statusCode }: Answer = this.#answer!;
    if (statusCode !== 200) throw new ViewerFailure(`GET: ${statusCode}`);
    const post = new TunnelPost(this.#set, this.#server, this.#local, () => {
      if (post.broken !== '') this.#break(post.broken);
      this.#owner.signal(TaskEvent.write);
    });
    this.#post = post;
    if (post.broken !== '') throw new ViewerFailure(post.broken);
    yield* this.#wait('POST', () => post.isConnected);
    post.sendHead(this.#tunnel.postHead);
  }

  /** Sends a request and waits for its response, whatever its status. Throws ViewerFailure. */
  *ask(method: string, url: string, headers: Readonly<Record<string, string>> = {}): CoroutineBody<Answer> {
    this.#answer = null;
    const session: Record<string, string> = this.session === '' ? {} : { Session: this.session };
    const fields = { CSeq: String(++this.#sequence), 'User-Agent': USER_AGENT, ...session, ...headers };
    this.send(writeRequest({ method, url, headers: fields }), method);
    yield* this.#wait(method, () => this.#answer !== null);
    const answer: Answer | null = this.#answer;
    return answer!;
  }

  /** Like ask(), and throws ViewerFailure with the status when that is not 200. */
  *demand(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): CoroutineBody<Answer> {
    const answer = yield* this.ask(method, url, headers);
    if (answer.statusCode === 200) return answer;
    throw new ViewerFailure(`${method}: ${answer.statusCode}`);
  }

  /** Sends bytes at once; requests are small, so a socket without room for them is broken. */
  send(bytes: Uint8Array, what: string): void {
    if (this.#tunnel === null) this.#sendOn(this.#fd, bytes, what);
    else if (this.#post?.send(bytes) !== true) this.#break(`${what}: no room to send`);
  }

  #sendOn(fd: number, bytes: Uint8Array, what: string): void {
    const sent = this.#isOpen ? native.tcpSend(fd, bytes, 0) : -1;
    if (sent !== bytes.length) this.#break(`${what}: ${sent < 0 ? errnoName(sent) : 'no room to send'}`);
  }

  /** Whether answers are read. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** Reads no more, as a player that hangs; the connection stays. */
  stopReading(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#set.remove(this.#tag, this.#fd);
  }

  /** Closes the connection; a second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.stopReading();
    this.#isOpen = false;
    this.#post?.close();
    native.socketClose(this.#fd);
  }

  /** Part of ReceiveSink. Hot path of interleaved viewers. */
  received(rows: Float64Array, at: number): void {
    const result = rows[at + ReceiveRow.result]!;
    if (rows[at + ReceiveRow.kind] === ReceiveKind.connecting) {
      this.#isConnected = result === 0;
      if (result < 0) this.#break(`connect: ${errnoName(result)}`);
      this.#owner.signal(TaskEvent.write);
    } else if (result <= 0) {
      this.stopReading();
      this.#break(result === 0 ? 'connection closed' : `connection: ${errnoName(result)}`);
    } else {
      this.#scan(rows[at + ReceiveRow.offset]!, result, rows[at + ReceiveRow.arrivalUs]!);
    }
  }

  /** Part of StreamEvents: a response for ask(), or a request of the server, which is answered. */
  message(message: RtspMessage): void {
    if (message.kind === 'response') {
      const { statusCode, headers, body } = message;
      this.#answer = { statusCode, headers, body: Buffer.from(body).toString('utf8') };
      this.#owner.signal(TaskEvent.read);
    } else if (message.kind === 'request') {
      const headers = { CSeq: message.headers.get('CSeq') ?? '0' };
      this.send(writeResponse({ statusCode: 200, headers }), message.method);
    }
  }

  #scan(offset: number, length: number, arrivalUs: number): void {
    try {
      this.#scanner.take(this.#set.buffer, offset, length, arrivalUs);
    } catch (error) {
      if (!(error instanceof RtspParseError)) throw error;
      this.stopReading();
      this.#break(`not RTSP: ${error.code}`);
    }
  }

  #break(reason: string): void {
    if (this.broken === '') this.broken = reason;
    this.#owner.signal(TaskEvent.read);
  }

  *#wait(what: string, isThere: () => boolean): CoroutineBody {
    const { thread } = this.#owner;
    const endUs = thread.nowUs + this.#timeoutMs * US_PER_MS;
    while (!isThere()) {
      if (this.broken !== '') throw new ViewerFailure(this.broken);
      if (thread.nowUs >= endUs) throw new ViewerFailure(`${what}: no answer`);
      yield after((endUs - thread.nowUs) / US_PER_MS);
    }
  }
}
