/**
 * RTSP tunnelled over HTTP: one stream of bytes made of two connections of a client. What comes is the base64 of his POSTs,
 * what goes is his GET's answer, without end. Made by the RTSP connection that got the GET, which reads from it and knows of
 * nothing else. Rule: the GET is the tunnel, a POST is replaced by the next one; what was received of it is read first.
 * Spec: Apple, "Tunnelling RTSP and RTP through HTTP". Thread: the GET's; POSTs are brought here by the rendezvous.
 */
import {
  type Armable,
  closeDescriptor,
  Errno,
  type HandedConnection,
  type StreamConnectionEvents,
  TaskEvent,
  type TaskRef,
  TcpConnection,
} from '@finch/core';
import { RtspParseError, TunnelDecoder } from 'rtsp-stream-parser';
import type { ByteSource } from './byte-source';
import type { ClientConnection } from './client-connection';
import { ConnectionMemory } from './connection-memory';
import { parseErrorAnswer } from './error-reply';
import { CONNECTION_BYTES } from './memory-costs';

/** POSTs of one tunnel at a time: the one that is read, and the one that takes its place. */
const MAX_POSTS = 2;
/** Nothing is sent on a POST. */
const NOTHING_SENT: StreamConnectionEvents = { drained: () => {}, broken: () => {} };

/** The connection of a tunnel's GET. */
export interface TunnelOwner extends ClientConnection {
  /** The task that is signalled when there is something to read. */
  readonly ref: TaskRef;
  /** The tunnel has got a POST half. */
  tunnelJoined(): void;
  /** Something came in that is for nobody. */
  countUnanswered(): void;
}

interface Post {
  readonly tcp: TcpConnection;
  readonly memory: ConnectionMemory;
  readonly decoder: TunnelDecoder;
  /** What was read of it before it came here; undefined once it has been decoded. */
  first: Uint8Array | undefined;
}

/** The bytes of a tunnel; see the head of this file. */
export class HttpTunnel implements ByteSource, Armable {
  readonly #connection: TunnelOwner;
  readonly #posts: Post[] = [];
  readonly #endClaim: () => void;

  /** Opens the tunnel `key` on the connection of its GET, and claims the POSTs of that key. */
  constructor(connection: TunnelOwner, key: string) {
    this.#connection = connection;
    this.#endClaim = connection.service.host.claim(key, (post) => this.#join(post));
  }

  /** Both halves are listened to: the GET for its end. */
  get context(): Armable {
    return this;
  }

  /** Part of Armable. */
  arm(mask: number): void {
    this.#connection.tcp.context.arm(mask);
    for (const { tcp } of this.#posts) tcp.context.arm(mask);
  }

  /** Part of Armable. */
  delivered(events: number): void {
    this.#connection.tcp.context.delivered?.(events);
    for (const { tcp } of this.#posts) tcp.context.delivered(events);
  }

  /** Reads decoded bytes: their number, -EAGAIN when there are none now, 0 when the tunnel has ended. */
  receive(into: Uint8Array): number {
    const heard = this.#connection.tcp.receive(into); // a GET has no body: bytes on it mean nothing
    if (heard > 0) this.#connection.countUnanswered();
    else if (heard !== -Errno.EAGAIN) return heard;
    for (let post = this.#posts[0]; post !== undefined; post = this.#posts[0]) {
      const received = receiveOf(post, into);
      if (received > 0) return this.#decode(post, into.subarray(0, received));
      if (received === -Errno.EAGAIN && this.#posts.length < MAX_POSTS) return -Errno.EAGAIN;
      this.#drop();
    }
    return -Errno.EAGAIN;
  }

  /** Ends the claim and closes the POSTs; the GET's connection is its owner's. */
  close(): void {
    this.#endClaim();
    while (this.#posts.length > 0) this.#drop();
  }

  #join({ fd, bytes }: HandedConnection): void {
    const { ref, service, peer } = this.#connection;
    const memory = new ConnectionMemory(service.host.memory, CONNECTION_BYTES);
    try {
      if (!memory.isGranted) throw service.memorySpent();
      const tcp = new TcpConnection(fd, ref, service.host.batch, NOTHING_SENT);
      if (this.#posts.length === MAX_POSTS) this.#drop();
      this.#posts.push({ tcp, memory, decoder: new TunnelDecoder(), first: bytes });
      this.#connection.tunnelJoined();
      this.#connection.signal(TaskEvent.read);
    } catch (error) {
      closeDescriptor(fd);
      memory.giveBack();
      service.host.connectionClosed(peer);
      service.failures.write('error', `POST half of ${peer} refused: ${(error as Error).message}`);
    }
  }

  #drop(): void {
    const { service, peer } = this.#connection;
    const post = this.#posts.shift()!;
    post.tcp.close();
    post.memory.giveBack();
    service.host.connectionClosed(peer);
  }

  #decode({ decoder }: Post, chunk: Uint8Array): number {
    try {
      const decoded = decoder.decode(chunk);
      if (decoded > 0) return decoded;
      this.#connection.countUnanswered(); // white space without end is no reason to read without end
      return -Errno.EAGAIN;
    } catch (error) {
      if (!(error instanceof RtspParseError)) throw error;
      this.#connection.service.log.debug(`${this.#connection.peer}: ${error.message}`);
      this.#connection.tcp.send(parseErrorAnswer(error));
      return 0;
    }
  }
}

function receiveOf(post: Post, into: Uint8Array): number {
  const { first } = post;
  post.first = undefined;
  if (first === undefined || first.length === 0) return post.tcp.receive(into);
  into.set(first); // it came out of a buffer of this size
  return first.length;
}
