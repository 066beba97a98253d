/**
 * A client's talk with the server under test: describes the movie, sets tracks up, plays.
 * Rule: it takes nothing for granted that the RFC does not promise: control URLs come out of the SDP, channels and ports out
 * of the answers; and it is closed however it ends, also by a server that has stopped answering.
 * Spec: RFC 2326 §10, §12.39, appendix C.1.1.
 */
import { type NptRange, parseRange, type RangeHeader } from '@finch/rtsp/headers/range';
import { parseRtpInfo, type RtpInfo } from '@finch/rtsp/headers/rtp-info';
import { ticksBetween } from '../support/rtp-receiver';
import type { Answer, RtspClient } from '../support/rtsp-client';
import { type Carrier, RtspSession } from '../support/rtsp-session';
import type { Subject } from './subject';

export type { Carrier } from '../support/rtsp-session';

/** What PLAY answered. */
export interface Played {
  readonly answer: Answer;
  readonly range: RangeHeader;
  /** Empty without RTP-Info. */
  readonly infos: readonly RtpInfo[];
}

/** One session, and the connection it was made on. */
export class Talk extends RtspSession {
  /** Where Content-Base, or else the URL, leads. */
  #baseUrl: string;
  readonly controls: string[] = [];

  private constructor(
    readonly subject: Subject,
    client: RtspClient,
  ) {
    super(client, subject.url);
    this.#baseUrl = subject.url;
  }

  /** Connects, unless there is a client, and describes the movie. */
  static async open(subject: Subject, client?: RtspClient): Promise<Talk> {
    const talk = new Talk(subject, client ?? (await subject.connect()));
    return talk.#orClose(talk.#describe());
  }

  /** Describes, sets all tracks up. */
  static async ready(
    subject: Subject,
    carrier: Carrier,
    client?: RtspClient,
    headers: Record<string, string> = {},
  ): Promise<Talk> {
    const talk = await Talk.open(subject, client);
    return talk.#orClose(talk.setUpAll(carrier, headers));
  }

  async #describe(): Promise<void> {
    const { text, headers } = await this.expectOk('DESCRIBE', this.url, { Accept: 'application/sdp' });
    this.sdp = text;
    this.#baseUrl = headers.get('Content-Base') ?? headers.get('Content-Location') ?? this.url;
    for (const section of text.split(/^m=/m).slice(1))
      this.controls.push(this.#absolute(/^a=control:(\S+)/m.exec(section)?.[1] ?? ''));
  }

  async #orClose(work: Promise<void>): Promise<Talk> {
    try {
      await work;
      return this;
    } catch (error) {
      await this.close().catch(() => {}); // the first failure is the one to tell
      throw error;
    }
  }

  /** As ready() over TCP, with nothing sent ahead of its time (Darwin Streaming Server's x-Dynamic-Rate). */
  static readyInTime(subject: Subject): Promise<Talk> {
    return Talk.ready(subject, 'TCP', undefined, { 'x-Dynamic-Rate': '0' });
  }

  /** The URL of the whole movie in requests of the session (appendix C.1.1). */
  get aggregateUrl(): string {
    const control = /^a=control:(\S+)/m.exec(this.sdp.split(/^m=/m)[0]!)?.[1] ?? '*';
    return control === '*' ? this.url : this.#absolute(control);
  }

  /** The length of the movie in seconds, as the SDP tells (appendix C.1.5); NaN when it does not. */
  get durationS(): number {
    return Number(/^a=range:npt=[^-]*-([\d.]+)/m.exec(this.sdp)?.[1]);
  }

  /** Sets the track at `place` up and expects that it works. */
  setUp(place: number, carrier: Carrier, headers: Record<string, string> = {}): Promise<Answer> {
    const offer = `RTP/AVP/TCP;unicast;interleaved=${place * 2}-${place * 2 + 1}`;
    return this.setUpAt(this.controls[place]!, carrier, offer, headers);
  }

  /** Sets all tracks up. */
  async setUpAll(carrier: Carrier, headers: Record<string, string> = {}): Promise<void> {
    for (const place of this.controls.keys()) await this.setUp(place, carrier, headers);
  }

  /** Plays and expects that it works, and that the answer says what is played. */
  async play(headers: Record<string, string> = {}): Promise<Played> {
    const answer = await this.expectOk('PLAY', this.aggregateUrl, headers);
    const [range, info] = [answer.headers.get('Range'), answer.headers.get('RTP-Info')];
    if (range === undefined) throw new Error('PLAY was answered without Range (§10.5)');
    const infos = info === undefined ? [] : parseRtpInfo(info);
    return { answer, range: parseRange(range, 'reverse'), infos };
  }

  override request(method: string, url = this.aggregateUrl, headers = {}): Promise<Answer> {
    return super.request(method, url, headers);
  }

  override expectOk(method: string, url = this.aggregateUrl, headers = {}): Promise<Answer> {
    return super.expectOk(method, url, headers);
  }

  /** Sends RTCP about the first track to where the server listens for it. */
  sendRtcp(bytes: Uint8Array): void {
    const { interleaved, serverPort } = this.transports[0]!;
    if (interleaved !== undefined) this.client.sendFrame(interleaved.rtcp, bytes);
    else this.udp[0]!.rtcp.send(bytes, serverPort!.rtcp, this.subject.host);
  }

  /** How far the RTP time of the first track has come since `begin`, in seconds. */
  playedS(begin: Played): number {
    const [, rate] = /^a=rtpmap:\d+ [\w-]+\/(\d+)/m.exec(this.sdp)!;
    const { rtpTicks } = begin.infos[0]!;
    const ticks = this.tracks[0]!.packets.map(({ timestamp }) => ticksBetween(rtpTicks!, timestamp));
    return Math.max(...ticks) / Number(rate);
  }

  /** RTP packets that stand before `answer` in the stream of the connection. */
  packetsBefore({ framesBefore }: Answer): number {
    const channels = this.transports.map(({ interleaved }) => interleaved?.rtp);
    return this.client.frames.slice(0, framesBefore).filter(({ channel }) => channels.includes(channel))
      .length;
  }

  /** Tears the session down if there is one, and closes. */
  override async close(): Promise<void> {
    try {
      if (this.session !== '' && !this.client.isClosed) await this.request('TEARDOWN');
    } finally {
      await super.close();
    }
  }

  #absolute(control: string): string {
    if (/^rtsp:/i.test(control)) return control;
    return `${this.#baseUrl.replace(/\/$/, '')}/${control}`;
  }
}

/** Runs a dialogue and ends it; its own failure comes before that of its end. */
export async function talking<Result>(
  opening: Promise<Talk>,
  body: (talk: Talk) => Promise<Result>,
): Promise<Result> {
  const talk = await opening;
  const result = await body(talk).catch(async (error: unknown) => {
    await talk.close().catch(() => {});
    throw error;
  });
  await talk.close();
  return result;
}

/** Opens a talk before each test of the file and closes it behind; the function gives that of the test that runs. */
export function talkOfEachTest(subject: Subject): () => Talk {
  let talk: Talk | undefined;
  beforeEach(async () => {
    talk = undefined;
    talk = await Talk.open(subject);
  });
  afterEach(() => talk?.close());
  return () => talk!;
}

/** Where an npt range begins, in seconds. */
export function startOf(range: RangeHeader): number {
  return (range as NptRange).start as number;
}
