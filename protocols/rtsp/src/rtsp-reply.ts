/** What is answered to a request, before it is written. Made by method handlers and error answers, written by reply-writer.ts. */
import type { CoroutineBody } from '@finch/core';

/** What a handler answers; CSeq, Server and Date are added by the connection. */
export interface RtspReply {
  /** 200 when it is left out. */
  readonly status?: number;
  /** The reason phrase of the status line, where that of the status does not say enough. */
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A reply that is there, or the coroutine that waits for what it needs: it runs in the connection's. */
export type Answer = RtspReply | CoroutineBody<RtspReply>;

/** Whether a reply has to be waited for. */
export function isComing(answer: Answer): answer is CoroutineBody<RtspReply> {
  return 'next' in answer;
}
