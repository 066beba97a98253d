/**
 * A viewer of one movie: DESCRIBE, SETUP of its tracks, PLAY and the rest, as a session of an RtspClient.
 * Rule: each step expects 200. Spec: RFC 2326 §10, §12.33, §12.39.
 */

import { type NptRange, parseRange } from '@finch/rtsp/headers/range';
import { parseRtpInfo } from '@finch/rtsp/headers/rtp-info';
import type { Transport } from '@finch/rtsp/headers/transport';
import { type FinchUnderTest, SAMPLE } from './finch-under-test';
import { type Answer, RtspClient } from './rtsp-client';
import { type Carrier, RtspSession } from './rtsp-session';

export type { Carrier } from './rtsp-session';

export interface ViewerOptions {
  readonly carrier: Carrier;
  /** Name of the movie; the sample when it is left out. */
  readonly movie?: string;
  /** Ids of the tracks to set up; all of them when it is left out. */
  readonly trackIds?: readonly number[];
  /** An open connection to use; a new one otherwise. */
  readonly client?: RtspClient;
  readonly localAddress?: string;
  /** Whether it comes by RTSPS. */
  readonly isEncrypted?: boolean;
}

/** What PLAY answered. */
export interface PlayAnswer {
  readonly startSeconds: number;
  readonly endSeconds: number | undefined;
  /** Of each track, in the order in which they were set up. */
  readonly sequenceNumbers: readonly number[];
  readonly rtpTicks: readonly number[];
  /** Packets that had arrived of each track before the answer (meaningful over TCP). */
  readonly packetsBefore: readonly number[];
}

/** What a viewer needs of a server; the latter two where he comes by RTSPS. */
export type ServedMovies = Pick<FinchUnderTest, 'port' | 'url'> &
  Partial<Pick<FinchUnderTest, 'tlsPort' | 'tlsUrl'>>;

/** A session with its receivers. */
export class Viewer extends RtspSession {
  readonly trackUrls: string[] = [];

  /** Describes the movie and sets up its tracks. */
  static async open(finch: ServedMovies, options: ViewerOptions): Promise<Viewer> {
    const { carrier, movie = SAMPLE, localAddress = '127.0.0.1', isEncrypted = false } = options;
    const port = isEncrypted ? finch.tlsPort! : finch.port;
    const client = options.client ?? (await RtspClient.connect({ port, localAddress, isEncrypted }));
    const url = isEncrypted ? finch.tlsUrl!(movie) : finch.url(movie);
    const viewer = new Viewer(
      client,
      url.replace('127.0.0.1', localAddress.includes(':') ? '[::1]' : '127.0.0.1'),
    );
    viewer.sdp = (await viewer.expectOk('DESCRIBE', viewer.url)).text;
    const ids = [...viewer.sdp.matchAll(/^a=control:trackID=(\d+)/gm)].map((match) => Number(match[1]));
    for (const id of options.trackIds ?? ids) await viewer.setUp(id, carrier);
    return viewer;
  }

  /** Sets up one track more. */
  async setUp(trackId: number, carrier: Carrier): Promise<Transport> {
    const url = `${this.url}/trackID=${trackId}`;
    await this.setUpAt(url, carrier, 'RTP/AVP/TCP;unicast');
    this.trackUrls.push(url);
    return this.transports.at(-1)!;
  }

  /** Plays; `range` is the value of the Range header, such as `npt=5-`. */
  async play(range?: string): Promise<PlayAnswer> {
    const answer = await this.expectOk('PLAY', this.url, range === undefined ? {} : { Range: range });
    const { start, end } = parseRange(answer.headers.get('Range')!) as NptRange;
    const infos = parseRtpInfo(answer.headers.get('RTP-Info')!);
    expect(infos.map(({ url }) => url)).toEqual(this.trackUrls);
    const before = this.client.frames.slice(0, answer.framesBefore);
    return {
      startSeconds: start as number,
      endSeconds: end as number | undefined,
      sequenceNumbers: infos.map(({ sequenceNumber }) => sequenceNumber!),
      rtpTicks: infos.map(({ rtpTicks }) => rtpTicks!),
      packetsBefore: this.transports.map(
        ({ interleaved }) => before.filter(({ channel }) => channel === interleaved?.rtp).length,
      ),
    };
  }

  /** Pauses; resolves with the position in seconds that the answer tells. */
  async pause(): Promise<number> {
    const answer = await this.expectOk('PAUSE', this.url);
    return (parseRange(answer.headers.get('Range')!) as NptRange).start as number;
  }

  /** Ends the session. */
  teardown(): Promise<Answer> {
    return this.expectOk('TEARDOWN', this.url);
  }
}
