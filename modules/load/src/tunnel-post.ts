/**
 * The POST half of a viewer who comes through HTTP: what he says goes on it as base64, and nothing comes back on it. Used by the
 * viewer's link, whose own connection is the GET half. Rule: whoever opens it closes it.
 * Spec: Apple, "Tunnelling RTSP and RTP through HTTP". Thread: the viewer's.
 */
import { randomBytes } from 'node:crypto';
import { errnoName, type SocketAddress } from '@finch/core';
import { native } from '@finch/native';
import { ReceiveKind, ReceiveRow, type ReceiveSet, type ReceiveSink } from './receive-set';

const CONTENT_TYPE = 'application/x-rtsp-tunnelled';
/** What QuickTime says: the body is as long as the viewer has something to say. */
const CONTENT_LENGTH = 32_767;

/** Names a tunnel to the server, so that it finds both halves. */
export class TunnelName {
  readonly #cookie = randomBytes(12).toString('base64url');
  readonly #path: string;

  /** `url` is that of the movie. */
  constructor(url: string) {
    this.#path = new URL(url).pathname;
  }

  /** The head of the half that packets come on. */
  get getHead(): Uint8Array {
    return this.#head('GET', `Accept: ${CONTENT_TYPE}`);
  }

  /** The head of the half that requests go on. */
  get postHead(): Uint8Array {
    return this.#head('POST', `Content-Type: ${CONTENT_TYPE}\r\nContent-Length: ${CONTENT_LENGTH}`);
  }

  #head(method: string, field: string): Uint8Array {
    const cookie = `x-sessioncookie: ${this.#cookie}`;
    const text = `${method} ${this.#path} HTTP/1.0\r\n${cookie}\r\n${field}\r\nPragma: no-cache\r\n\r\n`;
    return Buffer.from(text, 'latin1');
  }
}

/** The POST half; see the head of this file. */
export class TunnelPost implements ReceiveSink {
  readonly #set: ReceiveSet;
  readonly #fd: number;
  readonly #tag: number;
  readonly #changed: () => void;
  #isOpen = true;
  isConnected = false;
  /** Why it can't be used any more; '' while it can. */
  broken = '';

  /** Begins to connect from `local`; `changed` hears that it is there, or broken. */
  constructor(set: ReceiveSet, server: SocketAddress, local: SocketAddress | null, changed: () => void) {
    this.#set = set;
    this.#changed = changed;
    this.#fd = native.tcpConnect(server.words, local?.words ?? null, 0);
    if (this.#fd < 0) {
      this.#isOpen = false;
      this.broken = `POST: ${errnoName(this.#fd)}`;
      this.#tag = -1;
    } else this.#tag = set.add(this.#fd, ReceiveKind.connecting, this);
  }

  /** Sends bytes as they are; returns how many left, or -errno. */
  sendHead(bytes: Uint8Array): number {
    return this.#isOpen ? native.tcpSend(this.#fd, bytes, 0) : -1;
  }

  /** Sends a message, encoded for itself; returns whether all of it left. */
  send(bytes: Uint8Array): boolean {
    const encoded = Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1');
    return this.sendHead(encoded) === encoded.length;
  }

  /** Part of ReceiveSink: the connection is there, or has ended. */
  received(rows: Float64Array, at: number): void {
    const result = rows[at + ReceiveRow.result]!;
    if (rows[at + ReceiveRow.kind] === ReceiveKind.connecting && result === 0) this.isConnected = true;
    else if (result <= 0) {
      this.broken = result === 0 ? 'POST half closed' : `POST: ${errnoName(result)}`;
      this.close();
    }
    this.#changed();
  }

  /** Closes it; a second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#set.remove(this.#tag, this.#fd);
    native.socketClose(this.#fd);
  }
}
