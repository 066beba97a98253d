/**
 * The requests of real players, byte for byte but for URLs, ports and ids, replayed against the server; its answers are held
 * against what those players read in them. transcripts/*.txt says where each comes from. Spec: RFC 2326 §10, §12.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNptTime } from '@finch/rtsp/headers/npt-time';
import { type NptRange, parseRange } from '@finch/rtsp/headers/range';
import { parseRtpInfo } from '@finch/rtsp/headers/rtp-info';
import { parseTransport } from '@finch/rtsp/headers/transport';
import { PostHalf } from '../support/http-tunnel';
import { TrackReceiver, UdpReceiver } from '../support/rtp-receiver';
import type { Answer, RtspClient } from '../support/rtsp-client';
import { itWith, subjectOfFile } from './subject';

jest.setTimeout(20_000);

const FOLDER = join(__dirname, 'transcripts');

/** One message of a transcript: where it is sent, and its text with placeholders. */
interface Message {
  readonly way: 'rtsp' | 'get' | 'post';
  readonly text: string;
}

const subject = subjectOfFile();

function messagesOf(file: string): Message[] {
  const [, ...parts] = readFileSync(join(FOLDER, file), 'utf8').split(/^--- /m);
  return parts.map((part) => {
    const [way, ...lines] = part.trimEnd().split('\n');
    return { way: way as Message['way'], text: `${lines.join('\r\n')}\r\n\r\n` };
  });
}

/** A replay: the values of the placeholders, and what the answers have told. */
class Replay {
  session = '';
  readonly controls: string[] = [];
  readonly tracks: TrackReceiver[] = [];
  readonly udp: UdpReceiver[] = [];
  durationS = Number.NaN;
  readonly cookie = `c${Math.random().toString(36).slice(2)}`;

  constructor(readonly client: RtspClient) {}

  /** The text with its placeholders filled in. */
  fill(text: string): string {
    const { pathname, host } = new URL(subject.url);
    return text
      .replace(/\{track (\d)\}/g, (_, track) => this.controls[track]!)
      .replace(/\{port (\d) \+ 1\}/g, (_, track) => String(this.udp[track]!.port + 1))
      .replace(/\{port (\d)\}/g, (_, track) => String(this.udp[track]!.port))
      .replaceAll('{movie}', subject.url)
      .replaceAll('{path}', pathname)
      .replaceAll('{host}', host)
      .replaceAll('{session}', this.session)
      .replaceAll('{cookie}', this.cookie);
  }

  /** Holds an answer against what the player needs of it. */
  check(request: string, answer: Answer): void {
    const [method] = request.split(' ', 1);
    const cseq = /^CSeq: (\d+)/m.exec(request)![1];
    expect({ method, status: answer.status, cseq: answer.headers.get('CSeq') }).toEqual({
      method,
      status: 200,
      cseq,
    });
    if (this.session !== '' && method !== 'TEARDOWN')
      expect(answer.headers.get('Session')?.split(';')[0]).toBe(this.session);
    if (method === 'OPTIONS')
      for (const needed of ['DESCRIBE', 'SETUP', 'PLAY'])
        expect(answer.headers.get('Public')).toContain(needed);
    if (method === 'DESCRIBE') this.#described(answer);
    if (method === 'SETUP') this.#setUp(request, answer);
    if (method === 'PLAY') this.#played(request, answer);
  }

  #described({ headers, text }: Answer): void {
    expect(headers.get('Content-Type')).toMatch(/^application\/sdp/);
    const base = headers.get('Content-Base') ?? `${subject.url}/`;
    expect(base.endsWith('/')).toBe(true); // players put the control behind it as it is
    for (const section of text.split(/^m=/m).slice(1)) {
      const control = /^a=control:(\S+)/m.exec(section)![1]!;
      this.controls.push(control.startsWith('rtsp:') ? control : base + control);
    }
    const end = /^a=range:npt=[^-]*-([\d.]+)/m.exec(text)?.[1];
    if (end !== undefined) this.durationS = parseNptTime(end) as number;
    expect(text).toMatch(/^a=rtpmap:/m);
  }

  #setUp(request: string, { headers }: Answer): void {
    const asked = parseTransport(/^Transport: (.+)$/m.exec(request)![1]!.trim())[0]!;
    const got = parseTransport(headers.get('Transport')!)[0]!;
    expect([got.lowerTransport, got.delivery]).toEqual([asked.lowerTransport, 'unicast']);
    const session = headers.get('Session')!;
    expect(session).toMatch(/^[\w$.+-]{8,}(;timeout=\d+)?$/);
    if (this.session !== '') expect(session.split(';')[0]).toBe(this.session);
    this.session = session.split(';')[0]!;
    if (asked.lowerTransport === 'UDP') {
      expect(got.clientPort).toEqual(asked.clientPort);
      expect(got.serverPort).toBeDefined();
      this.tracks.push(this.udp[this.tracks.length]!.track);
      return;
    }
    if (asked.interleaved !== undefined) expect(got.interleaved).toEqual(asked.interleaved);
    const track = new TrackReceiver();
    this.client.receive(track, got.interleaved!.rtp);
    this.tracks.push(track);
  }

  #played(request: string, { headers }: Answer): void {
    const wanted = /^Range: (.+)$/m.exec(request)?.[1]?.trim();
    const range = parseRange(headers.get('Range')!) as NptRange;
    const infos = parseRtpInfo(headers.get('RTP-Info')!);
    expect(infos.map(({ url }) => url)).toEqual(this.controls);
    for (const { sequenceNumber, rtpTicks } of infos)
      expect([typeof sequenceNumber, typeof rtpTicks]).toEqual(['number', 'number']);
    if (wanted !== undefined) {
      expect(range.start as number).toBeLessThanOrEqual((parseRange(wanted) as NptRange).start as number);
      if (subject.isFinch) expect(range.end as number).toBeCloseTo(this.durationS, 2);
    }
    const scale = /^Scale: ([\d.]+)/m.exec(request)?.[1];
    if (scale !== undefined && subject.isFinch) expect(Number(headers.get('Scale'))).toBe(Number(scale));
  }
}

async function replay(file: string): Promise<void> {
  const messages = messagesOf(file);
  const client = await subject.connect();
  const state = new Replay(client);
  for (let port = 0; messages.some(({ text }) => text.includes(`{port ${port}}`)); port++)
    state.udp.push(await UdpReceiver.open(client.socket.localAddress));
  let post: PostHalf | undefined;
  try {
    for (const { way, text } of messages) {
      const bytes = state.fill(text);
      if (way === 'post') {
        post = await PostHalf.open(
          { port: subject.port, host: subject.host, cookie: state.cookie },
          '',
          bytes,
        );
        client.output = (message) => post!.send(message);
        continue;
      }
      client.send(bytes);
      const answer = await client.answer(bytes.split('\r\n', 1)[0]);
      if (way === 'get') expect(answer.headers.get('Content-Type')).toBe('application/x-rtsp-tunnelled');
      else state.check(bytes, answer);
      // A player goes on when it has something to show.
      if (bytes.startsWith('PLAY')) await state.tracks[0]!.morePackets(5);
    }
    for (const track of state.tracks) track.expectContiguous();
  } finally {
    for (const receiver of state.udp) receiver.close();
    post?.close();
    await client.close();
  }
}

describe('a player', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
  const isTunnelled = (file: string) => file.endsWith('-http.txt');

  it.each(files.filter((file) => !isTunnelled(file)))('is answered as it needs: %s', replay);
  itWith('RTSP over HTTP').each(files.filter(isTunnelled))('is answered as it needs: %s', replay);
});
