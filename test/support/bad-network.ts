/**
 * A bad network in front of a server, without privileges: a relay that players are pointed at, which loses, delays, reorders
 * and narrows what passes. Used by tests that play over it. Rule: what is lost is drawn from a seed, and delays are real time;
 * RTSP itself passes unharmed, but for the ports in Transport, which become the relay's (RFC 2326 §12.39).
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What the network does to what the server sends. */
export interface NetworkFaults {
  /** Share of the datagrams that are lost, 0..1. */
  readonly loss?: number;
  /** One way, in milliseconds. */
  readonly delayMs?: number;
  /** Share of the datagrams that take 20 ms longer, and so are overtaken. */
  readonly reordering?: number;
  /** What passes in a second, in bytes, of all tracks together; what is too much waits, over UDP for up to `queueMs`. */
  readonly bytesPerS?: number;
  readonly queueMs?: number;
  readonly seed?: number;
}

const REORDERING_MS = 20;
const HOST = '127.0.0.1';
const CLIENT_PORTS = /client_port=(\d+)-(\d+)/i;
const SERVER_PORTS = /server_port=(\d+)-(\d+)/i;
const MAX_BIND_ATTEMPTS = 50;

/** One link of a given width: tells when a packet has passed it. */
class Link {
  #freeAtMs = 0;
  constructor(readonly faults: NetworkFaults) {}

  /** Milliseconds until `bytes` have passed; Infinity when they find no room in the queue. */
  waitMs(bytes: number, maxQueueMs: number): number {
    const { bytesPerS = Infinity } = this.faults;
    const nowMs = performance.now();
    const beginMs = Math.max(this.#freeAtMs, nowMs);
    if (beginMs - nowMs > maxQueueMs) return Infinity;
    this.#freeAtMs = beginMs + (bytes / bytesPerS) * 1000;
    return this.#freeAtMs - nowMs;
  }
}

/** Both sockets of one track: the relay's ports towards the player and towards the server. */
interface Track {
  readonly sockets: readonly UdpSocket[];
  readonly port: number;
  clientPort: number;
  serverPort: number;
}

/** A relay; see the head of this file. */
export class BadNetwork {
  /** Datagrams from the server: all, and those that were lost on purpose, by the link or by chance. */
  datagrams = 0;
  lost = 0;
  readonly #tracks: Track[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #faults: NetworkFaults;
  #link: Link;
  #random: number;

  private constructor(
    readonly server: Server,
    readonly serverPort: number,
    faults: NetworkFaults,
  ) {
    this.#faults = faults;
    this.#link = new Link(faults);
    this.#random = faults.seed ?? 1;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Stands in front of the server on `serverPort` of this machine. */
  static async open(serverPort: number, faults: NetworkFaults): Promise<BadNetwork> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return new BadNetwork(server, serverPort, faults);
  }

  /** From now on the network is like this. */
  become(faults: NetworkFaults): void {
    this.#faults = faults;
    this.#link = new Link(faults);
  }

  /** The URL of a movie by way of this network. */
  url(path: string): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay is closed');
    return `rtsp://${HOST}:${address.port}/${path}`;
  }

  /** Ends all connections and closes all ports. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    for (const { sockets } of this.#tracks) for (const socket of sockets) socket.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #accept(player: Socket): void {
    const server = connect(this.serverPort, HOST);
    for (const [from, to] of [
      [player, server],
      [server, player],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {}); // told by `close`
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    let waiting: Promise<unknown> = Promise.resolve();
    player.on('data', (bytes) => {
      // In order, though ports are bound meanwhile.
      waiting = waiting.then(async () => {
        if (!server.destroyed) server.write(await this.#requestThrough(bytes));
      });
    });
    server.on('data', (bytes) => this.#answerThrough(bytes, server, player));
  }

  // A player sends each SETUP with one write.
  async #requestThrough(bytes: Buffer): Promise<Buffer> {
    const text = bytes.toString('latin1');
    const ports = text.startsWith('SETUP ') ? CLIENT_PORTS.exec(text) : null;
    if (ports === null) return bytes;
    const track = await this.#openTrack(Number(ports[1]));
    return Buffer.from(text.replace(CLIENT_PORTS, `client_port=${track.port}-${track.port + 1}`), 'latin1');
  }

  #answerThrough(bytes: Buffer, server: Socket, player: Socket): void {
    const text = bytes.toString('latin1', 0, 2048);
    const ports = text.startsWith('RTSP/1.0 ') ? SERVER_PORTS.exec(text) : null;
    const track = ports === null ? undefined : this.#trackOf(text);
    if (ports !== null && track !== undefined) {
      track.serverPort = Number(ports[1]);
      const answer = text
        .replace(CLIENT_PORTS, `client_port=${track.clientPort}-${track.clientPort + 1}`)
        .replace(SERVER_PORTS, `server_port=${track.port}-${track.port + 1}`);
      player.write(Buffer.from(answer, 'latin1'));
      return;
    }
    // Over TCP nothing is lost: what the link does not carry stays where it is.
    const waitMs = this.#link.waitMs(bytes.length, Infinity) + (this.#faults.delayMs ?? 0);
    if (this.#faults.bytesPerS !== undefined) server.pause();
    this.#after(waitMs, () => {
      if (!player.destroyed) player.write(bytes);
      server.resume();
    });
  }

  #trackOf(answer: string): Track | undefined {
    const port = Number(CLIENT_PORTS.exec(answer)?.[1]);
    return this.#tracks.find((track) => track.port === port);
  }

  async #openTrack(clientPort: number): Promise<Track> {
    const { sockets, port } = await bindPair();
    const track: Track = { sockets, port, clientPort, serverPort: 0 };
    this.#tracks.push(track);
    for (const [place, socket] of sockets.entries())
      socket.on('message', (bytes, { port: from }) => {
        if (from === track.clientPort + place) this.#toServer(track, place, bytes);
        else if (from === track.serverPort + place) this.#toPlayer(track, place, bytes);
      });
    return track;
  }

  #toServer({ sockets, serverPort }: Track, place: number, bytes: Buffer): void {
    this.#after(this.#faults.delayMs ?? 0, () => sockets[place]!.send(bytes, serverPort + place, HOST));
  }

  #toPlayer({ sockets, clientPort }: Track, place: number, bytes: Buffer): void {
    const { loss = 0, delayMs = 0, reordering = 0, queueMs = 200 } = this.#faults;
    this.datagrams++;
    const linkMs = this.#link.waitMs(bytes.length, queueMs);
    const isLost = this.#chance() < loss || linkMs === Infinity;
    const isLate = this.#chance() < reordering;
    if (isLost) {
      this.lost++;
      return;
    }
    const waitMs = linkMs + delayMs + (isLate ? REORDERING_MS : 0);
    this.#after(waitMs, () => sockets[place]!.send(bytes, clientPort + place, HOST));
  }

  #after(ms: number, act: () => void): void {
    if (ms < 0.5) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  /** Numerical Recipes' linear congruence: enough for coins. */
  #chance(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }
}

async function bindPair(): Promise<{ sockets: UdpSocket[]; port: number }> {
  for (let attempt = 0; attempt < MAX_BIND_ATTEMPTS; attempt++) {
    const first = await bind(0);
    const port = first?.address().port ?? 1;
    const second = port % 2 === 0 && port < 65_535 ? await bind(port + 1) : undefined;
    if (first !== undefined && second !== undefined) return { sockets: [first, second], port };
    first?.close();
  }
  throw new Error('no free pair of UDP ports');
}

function bind(port: number): Promise<UdpSocket | undefined> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind(port, HOST, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
