/**
 * From the bytes of a connection to its requests. Used by the connection, chunk by chunk. Rule: interleaved frames go where
 * they belong at once; a request behind which the stream is no longer ours ends the parsing, and the rest stays as it came. So
 * does what lies behind some requests: of who sends hundreds at once few are taken apart while the others wait for their turn.
 * Responses are nobody's, since this server asks nothing: they are counted, and bound what is taken as requests do.
 * Spec: RFC 2326 §4-§6, §10.12.
 */
import {
  type InterleavedFrame,
  type ParserLimits,
  RtspParseError,
  type RtspRequest,
  RtspStreamParser,
} from 'rtsp-stream-parser';

/** Requests and responses that are taken out of a chunk at once. */
export const MAX_REQUESTS_AT_ONCE = 16;

/** What one chunk held. */
export interface Intake {
  readonly requests: readonly RtspRequest[];
  /** What came behind the last message, when the parsing ended there: to be taken next, or elsewhere; a copy. Undefined when all was parsed. */
  readonly rest?: Uint8Array;
  readonly error?: RtspParseError;
}

/** How large a request may be. */
export type RequestLimits = Pick<ParserLimits, 'maxHeaderBytes' | 'maxBodyBytes'>;

/** Who hears of what is no request, and decides where to stop. */
export interface IntakeEvents {
  /** A frame came in; valid during the call. */
  frameArrived(frame: InterleavedFrame): void;
  /** Something came in that has no answer and is for nobody, such as a response. */
  countUnanswered(): void;
  /** Whether what follows a request may not be for this connection. */
  isLastHere(request: RtspRequest): boolean;
}

/** The parser of one connection; see the head of this file. */
export class RequestIntake {
  readonly #parser: RtspStreamParser;
  readonly #events: IntakeEvents;

  constructor(events: IntakeEvents, { maxHeaderBytes, maxBodyBytes }: RequestLimits) {
    this.#events = events;
    this.#parser = new RtspStreamParser({ maxHeaderBytes, maxBodyBytes });
  }

  /** What is there of a message that is not whole. */
  get unfinishedBytes(): number {
    return this.#parser.bufferedBytes;
  }

  /** The CSeq of a request that is not whole, as it came, if it has come. */
  get unfinishedCSeq(): string | undefined {
    return this.#parser.unfinishedCSeq;
  }

  /** Parses a chunk. The chunk is the caller's again afterwards: all is taken out of it. */
  take(chunk: Uint8Array): Intake {
    const requests: RtspRequest[] = [];
    let taken = 0;
    try {
      this.#parser.feed(chunk);
      for (let message = this.#parser.read(); message !== null; message = this.#parser.read()) {
        if (message.kind === 'frame') {
          this.#events.frameArrived(message);
          continue;
        }
        taken++;
        if (message.kind === 'response') this.#events.countUnanswered();
        else requests.push(message.body.length === 0 ? message : { ...message, body: message.body.slice() });
        const isLastHere = message.kind === 'request' && this.#events.isLastHere(message);
        if (isLastHere || taken === MAX_REQUESTS_AT_ONCE)
          return { requests, rest: new Uint8Array(this.#parser.takeRest()) };
      }
      return { requests };
    } catch (error) {
      if (error instanceof RtspParseError) return { requests, error };
      throw error;
    }
  }
}
