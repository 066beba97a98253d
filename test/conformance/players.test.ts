/**
 * The requests of real players, byte for byte but for URLs, ports and ids, replayed against the server; its answers are held
 * against what those players read in them, and media flow when they should and no longer. transcripts/*.txt says where each comes
 * from. Spec: RFC 2326 §10, §12.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNptTime } from '@finch/rtsp/headers/npt-time';
import { type NptRange, parseRange } from '@finch/rtsp/headers/range';
import { parseRtpInfo } from '@finch/rtsp/headers/rtp-info';
import { parseTransport } from '@finch/rtsp/headers/transport';
import { eventually } from '../support/deadline';
import { PostHalf } from '../support/http-tunnel';
import { type ReceivedPacket, TrackReceiver, UdpReceiver } from '../support/rtp-receiver';
import type { Answer, RtspClient } from '../support/rtsp-client';
import { itOfFinch, itWith, subjectOfFile } from './subject';

jest.setTimeout(20_000);

const FOLDER = join(__dirname, 'transcripts');

/** One message of a transcript: where it is sent, and its text with placeholders. */
interface Message {
  readonly way: 'rtsp' | 'get' | 'post';
  /** Whether its base64 comes in lines. */
  readonly isInLines: boolean;
  readonly text: string;
}

/** What stands above a message: its way; `composed` tells people that it was not published. */
const MESSAGE_HEAD = /^(rtsp|get|post)( in lines)?( composed)?$/;
/** Characters of a line of base64. */
const LINE_CHARS = 64;

const subject = subjectOfFile();

function textOf(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

function messagesOf(file: string): Message[] {
  const [, ...parts] = textOf(file).split(/^--- /m);
  return parts.map((part) => {
    const [head, ...lines] = part.trimEnd().split('\n');
    const match = MESSAGE_HEAD.exec(head!);
    if (match === null) throw new Error(`${file}: no such message: --- ${head}`);
    const [, way, inLines] = match;
    return {
      way: way as Message['way'],
      isInLines: inLines !== undefined,
      text: `${lines.join('\r\n')}\r\n\r\n`,
    };
  });
}

function headerOf(request: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.+)$`, 'im').exec(request)?.[1]?.trim();
}

/** A replay: the values of the placeholders, and what the answers have told. */
class Replay {
  session = '';
  readonly controls: string[] = [];
  /** The controls as the SDP has them. */
  readonly ids: string[] = [];
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
      .replace(/\{id (\d)\}/g, (_, track) => this.ids[track]!)
      .replace(/\{port (\d) \+ 1\}/g, (_, track) => String(this.udp[track]!.port + 1))
      .replace(/\{port (\d)\}/g, (_, track) => String(this.udp[track]!.port))
      .replaceAll('{movie}', subject.url)
      .replaceAll('{path}', pathname)
      .replaceAll('{host}', host)
      .replaceAll('{session}', this.session)
      .replaceAll('{duration}', Number.isNaN(this.durationS) ? '' : this.durationS.toFixed(6))
      .replaceAll('{cookie}', this.cookie);
  }

  /** Holds an answer against what the player needs of it. */
  check(request: string, answer: Answer): void {
    const [method] = request.split(' ', 1);
    const cseq = headerOf(request, 'CSeq');
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
    this.controls.length = this.ids.length = 0; // who was asked for a password describes once more
    for (const section of text.split(/^m=/m).slice(1)) {
      const control = /^a=control:(\S+)/m.exec(section)![1]!;
      this.ids.push(control.slice(control.lastIndexOf('/') + 1));
      this.controls.push(control.startsWith('rtsp:') ? control : base + control);
    }
    const end = /^a=range:npt=[^-]*-([\d.]+)/m.exec(text)?.[1];
    if (end !== undefined) this.durationS = parseNptTime(end) as number;
    expect(text).toMatch(/^a=rtpmap:/m);
  }

  #setUp(request: string, { headers }: Answer): void {
    const asked = parseTransport(headerOf(request, 'Transport')!)[0]!;
    const got = parseTransport(headers.get('Transport')!)[0]!;
    expect([got.lowerTransport, got.delivery]).toEqual([asked.lowerTransport, 'unicast']);
    const session = headers.get('Session')!;
    expect(session).toMatch(/^[\w$.+-]{8,}(;timeout=\d+)?$/);
    if (this.session !== '') expect(session.split(';')[0]).toBe(this.session);
    this.session = session.split(';')[0]!;
    // Whoever says yes must wait for QuickTime's acknowledgements, and send again.
    if (subject.isFinch) expect(headers.get('x-Retransmit')).toBeUndefined();
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
    const wanted = headerOf(request, 'Range');
    const range = parseRange(headers.get('Range')!) as NptRange;
    const infos = parseRtpInfo(headers.get('RTP-Info')!);
    expect(infos.map(({ url }) => url)).toEqual(this.controls);
    for (const { sequenceNumber, rtpTicks } of infos)
      expect([typeof sequenceNumber, typeof rtpTicks]).toEqual(['number', 'number']);
    if (wanted !== undefined) {
      expect(range.start as number).toBeLessThanOrEqual((parseRange(wanted) as NptRange).start as number);
      if (subject.isFinch) expect(range.end as number).toBeCloseTo(this.durationS, 2);
    }
    const scale = headerOf(request, 'Scale');
    if (scale !== undefined && subject.isFinch) expect(Number(headers.get('Scale'))).toBe(Number(scale));
  }
}

/** How long no packet may come before a stream counts as silent: the sample has some 70 a second. */
const SILENCE_MS = 200;

/** Resolves when nothing has come for a while; fails when that never happens, as PAUSE promises (RFC 2326 §10.6). */
function silent({ tracks }: Replay): Promise<void> {
  const packets = () => tracks.reduce((sum, track) => sum + track.packets.length, 0);
  return eventually(async () => {
    const before = packets();
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
    expect(packets()).toBe(before);
  });
}

/** Resolves when media have come of what PLAY promised: of all tracks at the movie's own speed, else of the first. */
async function flowing({ tracks }: Replay, request: string, { headers }: Answer): Promise<void> {
  const isPlain = Number(headerOf(request, 'Scale') ?? 1) === 1;
  const infos = parseRtpInfo(headers.get('RTP-Info')!);
  for (const [place, track] of (isPlain ? tracks : tracks.slice(0, 1)).entries()) {
    await track.morePackets(5);
    const { sequenceNumber } = infos[place]!;
    const isFirst = (packet: ReceivedPacket) => packet.sequenceNumber === sequenceNumber;
    if (subject.isFinch) await track.until(() => track.packets.some(isFirst), 'what RTP-Info names');
  }
}

/** What follows an answer at the player: media when it plays, none when it paused, BYE when it left. */
async function followed(state: Replay, request: string, answer: Answer): Promise<void> {
  if (request.startsWith('PLAY')) await flowing(state, request, answer);
  if (request.startsWith('PAUSE')) await silent(state);
  if (!request.startsWith('TEARDOWN') || !subject.isFinch) return;
  for (const track of state.tracks) await track.byeArrived();
}

function inLines(text: string): string {
  return Buffer.from(text)
    .toString('base64')
    .replace(new RegExp(`.{${LINE_CHARS}}`, 'g'), '$&\r\n');
}

async function replay(file: string): Promise<void> {
  const messages = messagesOf(file);
  const client = await subject.connect();
  const state = new Replay(client);
  for (let port = 0; messages.some(({ text }) => text.includes(`{port ${port}}`)); port++)
    state.udp.push(await UdpReceiver.open(client.socket.localAddress));
  let post: PostHalf | undefined;
  try {
    for (const { way, isInLines, text } of messages) {
      const bytes = state.fill(text);
      if (way === 'post') {
        const to = { port: subject.port, host: subject.host, cookie: state.cookie };
        post = await PostHalf.open(to, '', bytes);
        client.output = (message) => post!.send(message);
        continue;
      }
      if (isInLines) post!.socket.write(inLines(bytes));
      else client.send(bytes);
      const answer = await client.answer(bytes.split('\r\n', 1)[0]);
      if (way === 'get') expect(answer.headers.get('Content-Type')).toBe('application/x-rtsp-tunnelled');
      else state.check(bytes, answer);
      await followed(state, bytes, answer);
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
  /** Whether a query means the same movie is the server's affair (RFC 2326 §3.2 leaves it open). */
  const hasQuery = (file: string) => textOf(file).includes('{movie}?');
  const isPlain = (file: string) => !isTunnelled(file) && !hasQuery(file);

  it.each(files.filter(isPlain))('is answered as it needs: %s', replay);
  itWith('RTSP over HTTP').each(files.filter(isTunnelled))('is answered as it needs: %s', replay);
  itOfFinch.each(files.filter(hasQuery))('is answered as it needs: %s', replay);
});
