/**
 * One viewer of the load test: plays a movie over UDP or TCP to its end, as cheaply as Node can. Used by load-viewers, in the
 * load's process. Rule: it decides nothing; what arrived is noted in its tracks. Spec: RFC 2326 §10, §10.12.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { LoadTrack } from './load-track';

const RECEIVE_BUFFER_BYTES = 4 << 20;
const INTERLEAVED_MAGIC = 0x24;
const FIRST_UDP_PORT = 21_000;
/** What the last answers of the server may take. */
const FAREWELL_MS = 10_000;
/** Below half of the shortest session timeout that a test asks for. */
const KEEP_ALIVE_MS = 3000;
let nextUdpPort = FIRST_UDP_PORT;

/** Tells the time of an arrival. */
export interface ArrivalClock {
  /** Now, in milliseconds. */
  nowMs(): number;
  /** Since when at the earliest a packet that is seen now can have been there. */
  earliestMs(): number;
}

interface Answer {
  readonly headers: string;
  readonly body: string;
}

/** A viewer; see the head of this file. */
export class LoadViewer {
  readonly tracks: LoadTrack[] = [];
  playAnsweredMs = Number.NaN;
  readonly #url: string;
  readonly #isTcp: boolean;
  readonly #clock: ArrivalClock;
  readonly #udpSockets: UdpSocket[] = [];
  #socket!: Socket;
  #unread: Buffer = Buffer.alloc(0);
  #answered: (answer: Answer) => void = () => {};
  #failed: (error: Error) => void = () => {};
  #sequence = 0;
  #session = '';
  #goneTracks = 0;
  #allGone: () => void = () => {};

  constructor(url: string, isTcp: boolean, clock: ArrivalClock) {
    this.#url = url;
    this.#isTcp = isTcp;
    this.#clock = clock;
  }

  /**
   * Plays from the beginning to BYE of all tracks, or until `leave` resolves, then tears down and waits for BYE. Rejects
   * when the server answers anything but 200.
   */
  async play(leave: Promise<void> = new Promise(() => {})): Promise<void> {
    const { hostname, port } = new URL(this.#url);
    await this.#connect(hostname, Number(port));
    const { body } = await this.#request('DESCRIBE', this.#url);
    const controls = [...body.matchAll(/^a=control:(trackID=\d+)/gm)].map(
      (match) => `${this.#url}/${match[1]}`,
    );
    const rates = [...body.matchAll(/^a=rtpmap:\d+ (?!rtx\/)[^/]+\/(\d+)/gm)].map((match) =>
      Number(match[1]),
    );
    for (const [i, control] of controls.entries()) await this.#setUp(control, rates[i]!);
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    const { headers } = await this.#request('PLAY', this.#url);
    this.playAnsweredMs = this.#clock.nowMs();
    for (const [i, info] of [...headers.matchAll(/seq=(\d+);rtptime=(\d+)/g)].entries()) {
      this.tracks[i]!.firstSequence = Number(info[1]);
      this.tracks[i]!.firstTimestamp = Number(info[2]);
    }
    const keepingAlive = setInterval(() => this.#keepAlive(), KEEP_ALIVE_MS);
    await Promise.race([gone, this.#failure(), leave]).finally(() => clearInterval(keepingAlive));
    await Promise.race([this.#request('TEARDOWN', this.#url), this.#late('no answer to TEARDOWN')]);
    await Promise.race([gone, this.#failure(), this.#late('no BYE after TEARDOWN')]);
  }

  /** Closes what is open. */
  close(): void {
    this.#socket.destroy();
    for (const socket of this.#udpSockets) socket.close();
  }

  #late(what: string): Promise<never> {
    return new Promise((_resolve, reject) => {
      setTimeout(() => {
        const carrier = this.#isTcp ? 'TCP' : 'UDP';
        reject(
          new Error(`${what} over ${carrier}: ${this.#goneTracks} of ${this.tracks.length} tracks are gone`),
        );
      }, FAREWELL_MS).unref();
    });
  }

  // Its answer is nobody's: no request waits while it plays.
  #keepAlive(): void {
    this.#socket.write(
      `GET_PARAMETER ${this.#url} RTSP/1.0\r\nCSeq: ${++this.#sequence}\r\nSession: ${this.#session}\r\n\r\n`,
    );
  }

  async #setUp(control: string, clockRateHz: number): Promise<void> {
    const track = new LoadTrack(clockRateHz);
    const channel = this.tracks.push(track) * 2 - 2;
    const transport = this.#isTcp
      ? `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`
      : `RTP/AVP;unicast;client_port=${await this.#bindPair(track)}`;
    // what comes ahead of its time to fill a player tells nothing of being late
    const header = `Transport: ${transport}\r\nx-Dynamic-Rate: 0\r\n`;
    const { headers } = await this.#request('SETUP', control, header);
    this.#session = /^Session: *([^;\r\n]+)/im.exec(headers)![1]!;
  }

  async #bindPair(track: LoadTrack): Promise<string> {
    for (;;) {
      const port = nextUdpPort;
      nextUdpPort += 2;
      const rtp = await bind(port);
      const rtcp = rtp && (await bind(port + 1));
      if (rtp) this.#udpSockets.push(rtp);
      if (!rtp || !rtcp) continue;
      this.#udpSockets.push(rtcp);
      rtp.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      rtp.on('message', (bytes) => this.#rtpArrived(track, bytes));
      rtcp.on('message', (bytes) => this.#rtcpArrived(track, bytes));
      return `${port}-${port + 1}`;
    }
  }

  #rtpArrived(track: LoadTrack, bytes: Buffer): void {
    track.rtpArrived(bytes, this.#clock.nowMs(), this.#clock.earliestMs());
  }

  #rtcpArrived(track: LoadTrack, bytes: Buffer): void {
    if (track.rtcpArrived(bytes) && ++this.#goneTracks === this.tracks.length) this.#allGone();
  }

  async #connect(host: string, port: number): Promise<void> {
    this.#socket = connect(port, host);
    this.#socket.on('data', (bytes: Buffer) => this.#dataArrived(bytes));
    this.#socket.on('close', () => this.#failed(new Error('the server closed the connection')));
    this.#socket.on('error', (error) => this.#failed(error));
    await Promise.race([new Promise((resolve) => this.#socket.once('connect', resolve)), this.#failure()]);
  }

  #failure(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#failed = reject;
    });
  }

  #request(method: string, url: string, headers = ''): Promise<Answer> {
    const session = this.#session === '' ? '' : `Session: ${this.#session}\r\n`;
    this.#socket.write(`${method} ${url} RTSP/1.0\r\nCSeq: ${++this.#sequence}\r\n${session}${headers}\r\n`);
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#answered = (answer) => {
        if (answer.headers.startsWith('RTSP/1.0 200')) resolve(answer);
        else reject(new Error(`${method}: ${answer.headers.split('\r\n')[0]}`));
      };
    });
  }

  // An interleaved frame or an answer at a time; what is not whole yet waits.
  #dataArrived(bytes: Buffer): void {
    const all = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    let at = 0;
    for (;;) {
      const taken = all[at] === INTERLEAVED_MAGIC ? this.#takeFrame(all, at) : this.#takeAnswer(all, at);
      if (taken === 0) break;
      at += taken;
    }
    this.#unread = all.subarray(at);
  }

  #takeFrame(bytes: Buffer, at: number): number {
    if (at + 4 > bytes.length) return 0;
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) return 0;
    const channel = bytes[at + 1]!;
    const track = this.tracks[channel >> 1]!;
    const payload = bytes.subarray(at + 4, end);
    if (channel & 1) this.#rtcpArrived(track, payload);
    else this.#rtpArrived(track, payload);
    return end - at;
  }

  #takeAnswer(bytes: Buffer, at: number): number {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return 0;
    const headers = bytes.toString('latin1', at, headEnd + 2);
    const bodyBytes = Number(/^Content-Length: *(\d+)/im.exec(headers)?.[1] ?? 0);
    const end = headEnd + 4 + bodyBytes;
    if (end > bytes.length) return 0;
    this.#answered({ headers, body: bytes.toString('utf8', headEnd + 4, end) });
    return end - at;
  }
}

function bind(port: number): Promise<UdpSocket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(undefined));
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}
