/**
 * A Finch server in a process of its own, and what is alive in it. Used by the torture suite.
 * Rule: who starts one stops it; a server that dies fails whatever asks it next.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ServerSnapshot, ThreadSnapshot } from '@finch/core';
import type { FinchConfig } from '@finch/server';
import { DEADLINE_MS, eventually } from '../support/deadline';
import { RtspClient } from '../support/rtsp-client';
import { ATTACKER, Attacker } from './attacker';

/** What is alive in the server. */
export interface Inspection extends ServerSnapshot {
  readonly descriptors: number;
}

/** The process's real memory, in bytes. */
export interface RealMemory {
  /** What is alive in the heaps of all threads. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/**
 * What must be as it was before when clients have gone: not what viewers who stay use more or less of, nor the halves of
 * tunnels that wait for the other, which are bounded in number and time.
 */
export interface Standing {
  readonly connections: number;
  readonly contexts: number;
  readonly files: number;
  readonly descriptors: number;
  readonly tasks: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly memory: Readonly<Record<string, number>>;
}

interface Message {
  readonly port?: number;
  readonly tlsPort?: number;
  readonly crash?: string;
  readonly id?: number;
  readonly answer?: unknown;
}

/** How the server is started. */
export interface TortureOptions {
  readonly config: Partial<FinchConfig>;
  /** Its `ulimit -n`. */
  readonly maxDescriptors?: number;
}

/** A session over UDP that was cut off lives until it times out. */
const STANDING_TIMEOUT_MS = 30_000;
const ASK_AGAIN_MS = 10;
/** What packet plans may cost while the viewers play: a thread's shelf (8 MiB), and what is in use. */
const MAX_PLAN_BYTES = 12 << 20;

/** A started server; see the head of this file. */
export class ServerUnderTorture {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  #nextId = 1;
  #death: Error | undefined;

  private constructor(
    child: ChildProcess,
    readonly port: number,
    /** The port of RTSPS; 0 without a certificate. */
    readonly tlsPort: number,
  ) {
    this.#child = child;
    child.on('message', (message: Message) => {
      if (message.crash !== undefined) this.#died(message.crash);
      else if (message.id !== undefined) this.#asked.get(message.id)?.resolve(message.answer);
    });
    child.on('exit', (code, signal) => this.#died(`the server exited: ${code ?? signal}`));
  }

  /** Starts a server on a free port of 127.0.0.1. */
  static start({ config, maxDescriptors }: TortureOptions): Promise<ServerUnderTorture> {
    const limit = maxDescriptors === undefined ? '' : `ulimit -n ${maxDescriptors} && `;
    const program = ['--expose-gc', join(__dirname, 'server-process.js'), JSON.stringify(config)];
    const child = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, ...program], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('the server did not start')));
      child.once('message', ({ port, tlsPort }: Message) =>
        resolve(new ServerUnderTorture(child, port!, tlsPort!)),
      );
    });
  }

  /** rtsp://127.0.0.1:port/path, with each segment percent-encoded. */
  url(path: string): string {
    return `rtsp://127.0.0.1:${this.port}/${path.split('/').map(encodeURIComponent).join('/')}`;
  }

  inspect(): Promise<Inspection> {
    return this.#ask('inspect') as Promise<Inspection>;
  }

  /** What it logged, but debug lines; the first 1,000. */
  lines(): Promise<readonly string[]> {
    return this.#ask('lines') as Promise<readonly string[]>;
  }

  /** Collects the garbage of all threads, and tells what is left. */
  memory(): Promise<RealMemory> {
    return this.#ask('memory') as Promise<RealMemory>;
  }

  /** What is to be compared later. */
  async standing(): Promise<Standing> {
    const { connections, unclaimed, contexts, files, descriptors, threads, memory } = await this.inspect();
    const { plans, ...spent } = memory;
    expect(plans).toBeLessThan(MAX_PLAN_BYTES);
    return {
      connections: connections - unclaimed,
      contexts,
      files,
      descriptors: descriptors - unclaimed,
      tasks: sumOf(threads.map(({ tasks }) => tasks)),
      counts: sumOf(threads.map(({ counts: { 'packet plans': __, ...counts } }) => counts)),
      memory: spent,
    };
  }

  /** What is to be compared later, once nobody but so many viewers is there; the attackers' sessions over UDP are torn down. */
  async standingWith(viewers: number): Promise<Standing> {
    let standing = await this.standing();
    await eventually(async () => {
      standing = await this.standing();
      const { connections, counts, tasks } = standing;
      if (counts['claimed UDP addresses']! > viewers) await this.#tearDown();
      expect([connections, counts['RTSP sessions'], tasks.RtspSession, tasks.RtpSession]).toEqual(
        Array(4).fill(viewers),
      );
      expect([counts['blocking calls'], counts['open movies'], counts['claimed UDP addresses']]).toEqual([
        0,
        1,
        viewers, // half of them over UDP, with two tracks each
      ]);
    }, STANDING_TIMEOUT_MS);
    return standing;
  }

  /** Expects that a newcomer is served. */
  async expectServes(movie: string, isEncrypted = false): Promise<void> {
    const port = isEncrypted ? this.tlsPort : this.port;
    const client = await RtspClient.connect({ port, isEncrypted });
    const answers = [client.request('OPTIONS', '*'), client.request('DESCRIBE', this.url(movie))];
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    await client.close();
  }

  /** Expects that all is, or becomes, as it was before; the attackers' sessions over UDP, which stay, are torn down. */
  async expectStanding(before: Standing, timeoutMs = DEADLINE_MS): Promise<void> {
    const claimed = ({ counts }: Standing) => counts['claimed UDP addresses']!;
    const endMs = performance.now() + timeoutMs;
    for (let waitMs = 0; ; waitMs = Math.min(waitMs + 1, ASK_AGAIN_MS)) {
      const standing = await this.standing();
      if (isDeepStrictEqual(standing, before)) return;
      if (performance.now() > endMs) expect(standing).toEqual(before);
      if (claimed(standing) > claimed(before)) await this.#tearDown();
      else await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** Expects that a newcomer is served at once, and that all is, or becomes, as it was before. */
  async expectAsBefore(before: Standing, movie: string, timeoutMs = DEADLINE_MS): Promise<void> {
    await this.expectServes(movie);
    await this.expectStanding(before, timeoutMs);
  }

  /** Expects that no half of a tunnel waits for the other any more. */
  async expectNoneUnclaimed(): Promise<void> {
    await eventually(async () => expect((await this.inspect()).unclaimed).toBe(0), STANDING_TIMEOUT_MS);
  }

  /** Stops it and expects that nothing was left. */
  async stop(): Promise<void> {
    const { left, memory } = (await this.#ask('stop')) as { left: ThreadSnapshot[] } & Pick<
      ServerSnapshot,
      'memory'
    >;
    for (const { tasks, counts } of left) {
      expect(tasks).toEqual({});
      expect(Object.entries(counts).filter(([, count]) => count !== 0)).toEqual([]);
    }
    expect(Object.entries(memory).filter(([, bytes]) => bytes !== 0)).toEqual([]);
  }

  /** As their owner does, but for the ids: he may have reset his connection before he learnt them. */
  async #tearDown(): Promise<void> {
    const sessions = (await this.#ask('sessions', ATTACKER)) as string[];
    if (sessions.length === 0) return;
    const owner = await Attacker.connect(this.port);
    for (const [i, session] of sessions.entries())
      owner.send(`TEARDOWN * RTSP/1.0\r\nCSeq: ${i}\r\nSession: ${session}\r\n\r\n`);
    await owner.finish();
  }

  #ask(ask: 'inspect' | 'lines' | 'memory' | 'sessions' | 'stop', about?: string): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      if (this.#death !== undefined) throw this.#death;
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, ask, about });
    }).finally(() => this.#asked.delete(id));
  }

  #died(why: string): void {
    this.#death ??= new Error(why);
    for (const { reject } of this.#asked.values()) reject(this.#death);
  }
}

function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
