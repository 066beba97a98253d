/**
 * A client's talk with the server under test: describes the movie, sets tracks up, plays. Over RtspClient.
 * Rule: it takes nothing for granted that the RFC does not promise: control URLs come out of the SDP, channels and ports out
 * of the answers. Spec: RFC 2326 §10, §12.39, appendix C.1.1.
 */
import { parseRange, type RangeHeader } from '@finch/rtsp/headers/range';
import { parseRtpInfo, type RtpInfo } from '@finch/rtsp/headers/rtp-info';
import { parseTransport, type Transport } from '@finch/rtsp/headers/transport';
import { TrackReceiver, UdpReceiver } from '../support/rtp-receiver';
import type { Answer, RtspClient } from '../support/rtsp-client';
import type { Subject } from './subject';

/** How tracks are carried. */
export type Carrier = 'UDP' | 'TCP';

/** One session, and the connection it was made on. */
export class Talk {
  session = '';
  sdp = '';
  /** Where Content-Base, or else the URL, leads. */
  baseUrl = '';
  readonly controls: string[] = [];
  readonly tracks: TrackReceiver[] = [];
  readonly transports: Transport[] = [];
  readonly #udp: UdpReceiver[] = [];

  private constructor(
    readonly subject: Subject,
    readonly client: RtspClient,
  ) {}

  /** Connects and describes the movie. */
  static async open(subject: Subject, client?: RtspClient): Promise<Talk> {
    const talk = new Talk(subject, client ?? (await subject.connect()));
    const answer = await talk.expectOk('DESCRIBE', subject.url, { Accept: 'application/sdp' });
    talk.sdp = answer.text;
    talk.baseUrl =
      answer.headers.get('Content-Base') ?? answer.headers.get('Content-Location') ?? subject.url;
    const [, ...media] = talk.sdp.split(/^m=/m);
    for (const section of media)
      talk.controls.push(talk.#absolute(/^a=control:(\S+)/m.exec(section)?.[1] ?? ''));
    return talk;
  }

  /** Describes, sets all tracks up. */
  static async ready(
    subject: Subject,
    carrier: Carrier,
    client?: RtspClient,
    headers: Record<string, string> = {},
  ): Promise<Talk> {
    const talk = await Talk.open(subject, client);
    for (const place of talk.controls.keys()) await talk.setUp(place, carrier, headers);
    return talk;
  }

  /** As ready() over TCP, with nothing sent ahead of its time (Darwin Streaming Server's x-Dynamic-Rate). */
  static readyInTime(subject: Subject): Promise<Talk> {
    return Talk.ready(subject, 'TCP', undefined, { 'x-Dynamic-Rate': '0' });
  }

  /** The URL of the whole movie in requests of the session (appendix C.1.1). */
  get aggregateUrl(): string {
    const control = /^a=control:(\S+)/m.exec(this.sdp.split(/^m=/m)[0]!)?.[1] ?? '*';
    return control === '*' ? this.subject.url : this.#absolute(control);
  }

  /** The length of the movie in seconds, as the SDP tells; NaN when it does not. */
  get durationS(): number {
    return Number(/^a=range:npt=[\d.:]*-([\d.]+)/m.exec(this.sdp)?.[1]);
  }

  /** Sets the track at `place` up and expects that it works. */
  async setUp(place: number, carrier: Carrier, headers: Record<string, string> = {}): Promise<Answer> {
    const receiver = carrier === 'UDP' ? await this.#bindUdp() : undefined;
    const offer = receiver?.transport ?? `RTP/AVP/TCP;unicast;interleaved=${place * 2}-${place * 2 + 1}`;
    const answer = await this.expectOk('SETUP', this.controls[place]!, { Transport: offer, ...headers });
    const transport = parseTransport(answer.headers.get('Transport')!)[0]!;
    this.session = answer.headers.get('Session')!.split(';')[0]!;
    const track = receiver?.track ?? new TrackReceiver();
    if (receiver === undefined) this.client.receive(track, transport.interleaved!.rtp);
    this.tracks.push(track);
    this.transports.push(transport);
    return answer;
  }

  /** Plays and expects that it works. */
  async play(
    headers: Record<string, string> = {},
  ): Promise<{ answer: Answer; range: RangeHeader; infos: RtpInfo[] }> {
    const answer = await this.expectOk('PLAY', this.aggregateUrl, headers);
    const info = answer.headers.get('RTP-Info');
    return {
      answer,
      range: parseRange(answer.headers.get('Range')!, 'reverse'),
      infos: info === undefined ? [] : parseRtpInfo(info),
    };
  }

  /** Sends a request, of this session if there is one, whatever its answer will be. */
  request(method: string, url = this.aggregateUrl, headers: Record<string, string> = {}): Promise<Answer> {
    return this.client.request(method, url, {
      ...(this.session === '' ? {} : { Session: this.session }),
      ...headers,
    });
  }

  /** Sends a request and expects 200. */
  async expectOk(method: string, url?: string, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.request(method, url, headers);
    expect({ method, status: answer.status, text: answer.status === 200 ? '' : answer.text }).toEqual({
      method,
      status: 200,
      text: '',
    });
    return answer;
  }

  /** Sends RTCP about the first track to where the server listens for it. */
  sendRtcp(bytes: Uint8Array): void {
    const { interleaved, serverPort } = this.transports[0]!;
    if (interleaved !== undefined) this.client.sendFrame(interleaved.rtcp, bytes);
    else this.#udp[0]!.rtcp.send(bytes, serverPort!.rtcp, this.subject.host);
  }

  /** Tears the session down if there is one, and closes. */
  async close(): Promise<void> {
    if (this.session !== '' && !this.client.isClosed) await this.request('TEARDOWN');
    for (const receiver of this.#udp) receiver.close();
    await this.client.close();
  }

  async #bindUdp(): Promise<UdpReceiver> {
    const receiver = await UdpReceiver.open(this.client.socket.localAddress);
    this.#udp.push(receiver);
    return receiver;
  }

  #absolute(control: string): string {
    if (/^rtsp:/i.test(control)) return control;
    return `${this.baseUrl.replace(/\/$/, '')}/${control}`;
  }
}
