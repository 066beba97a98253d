/**
 * A session of a test's client: requests that carry its id, tracks that are set up over UDP or TCP with their receivers. Base
 * of Viewer, who knows Finch, and of the conformance suite's Talk, which knows only what the RFC promises.
 * Rule: whatever a session opened, it closes. Spec: RFC 2326 §10, §12.37, §12.39.
 */
import { parseTransport, type Transport } from '@finch/rtsp/headers/transport';
import { TrackReceiver, UdpReceiver } from './rtp-receiver';
import type { Answer, RtspClient } from './rtsp-client';

/** How tracks are carried. */
export type Carrier = 'UDP' | 'TCP';

/** One session, and the connection it was made on. */
export class RtspSession {
  /** Its id; empty before SETUP. */
  session = '';
  sdp = '';
  /** In the order of their SETUP, as are the next two. */
  readonly tracks: TrackReceiver[] = [];
  readonly transports: Transport[] = [];
  /** Ports of the tracks that came over UDP. */
  readonly udp: UdpReceiver[] = [];

  protected constructor(
    readonly client: RtspClient,
    readonly url: string,
  ) {}

  /** Sends a request, of this session if there is one, whatever its answer will be. */
  request(method: string, url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.client.request(method, url, {
      ...(this.session === '' ? {} : { Session: this.session }),
      ...headers,
    });
  }

  /** Sends a request and expects 200. */
  async expectOk(method: string, url: string, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.request(method, url, headers);
    expect({ method, status: answer.status, text: answer.status === 200 ? '' : answer.text }).toEqual({
      method,
      status: 200,
      text: '',
    });
    return answer;
  }

  /** Sets up the track at `url`, on the channels that `offer` asks for where it is carried by TCP. */
  protected async setUpAt(
    url: string,
    carrier: Carrier,
    offer: string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const receiver = carrier === 'UDP' ? await UdpReceiver.open(this.client.socket.localAddress) : undefined;
    if (receiver !== undefined) this.udp.push(receiver);
    const answer = await this.expectOk('SETUP', url, { Transport: receiver?.transport ?? offer, ...headers });
    const transport = parseTransport(answer.headers.get('Transport')!)[0]!;
    this.session = answer.headers.get('Session')!.split(';')[0]!;
    const track = receiver?.track ?? new TrackReceiver();
    if (receiver === undefined) this.client.receive(track, transport.interleaved!.rtp);
    this.tracks.push(track);
    this.transports.push(transport);
    return answer;
  }

  /** Closes the connection and the ports, as a client does that is gone. */
  async close(): Promise<void> {
    for (const receiver of this.udp) receiver.close();
    await this.client.close();
  }
}
