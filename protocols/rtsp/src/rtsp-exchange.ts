/** One request and what a method handler answers to it. Made by the connection, handed to the handler of the method. */
import type { MediaRequest } from '@finch/core';
import type { RtspRequest } from 'rtsp-stream-parser';
import type { ClientConnection } from './client-connection';
import type { ControlUrl } from './control-url';
import { RtspError } from './errors';
import { parseSession } from './headers/session';
import type { Answer, RtspReply } from './rtsp-reply';
import type { RtspService } from './rtsp-service';
import type { RtspSession } from './rtsp-session';

/** A request with where it came from and what it is about. */
export class RtspExchange {
  constructor(
    readonly connection: ClientConnection,
    readonly request: RtspRequest,
    readonly url: ControlUrl,
  ) {}

  get service(): RtspService {
    return this.connection.service;
  }

  header(name: string): string | undefined {
    return this.request.headers.get(name);
  }

  /** What the request is about, for the modules' roles. */
  get mediaRequest(): MediaRequest {
    return {
      path: this.url.segments,
      clientHost: this.connection.peer.host,
      authorization: this.header('Authorization'),
    };
  }

  /** The session that the request names, if it names one. 454 when it is not there or is another client's. */
  namedSession(): RtspSession | undefined {
    const value = this.header('Session');
    if (value === undefined) return undefined;
    const { id } = parseSession(value);
    const session = this.service.sessions.get(id);
    if (session === undefined || session.hasEnded || !session.client.isSameHost(this.connection.peer))
      throw new RtspError('sessionNotFound', 'Session: it has ended or never was');
    session.namedOn(this.connection);
    return session;
  }

  /** The session that the request must name. 454 without one. */
  session(): RtspSession {
    const session = this.namedSession();
    if (session === undefined) throw new RtspError('sessionNotFound', 'Session: the header is missing');
    return session;
  }

  /** Answers a request that need not name a session, and names in the answer the one that it does. 454 as namedSession(). */
  inSession(answer: () => RtspReply): RtspReply {
    const named = this.namedSession();
    const reply = answer();
    return named === undefined ? reply : { ...reply, headers: { Session: named.header, ...reply.headers } };
  }
}

/** Answers one method, at once wherever nothing has to be waited for; it throws RtspError or MediaError to refuse. */
export type MethodHandler = (exchange: RtspExchange) => Answer;
