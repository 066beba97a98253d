/**
 * A Finch server in a process of its own, and what is alive in it. Used by the torture suite.
 * Rule: who starts one stops it; a server that dies fails whatever asks it next.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ServerSnapshot, ThreadSnapshot } from '@finch/core';
import type { FinchConfig } from '@finch/server';
import { DEADLINE_MS, eventually } from '../support/deadline';
import { RtspClient } from '../support/rtsp-client';

/** What is alive in the server. */
export interface Inspection extends ServerSnapshot {
  readonly descriptors: number;
  readonly residentBytes: number;
  /** What it logged, but debug lines; at most 1,000. */
  readonly lines: readonly string[];
}

/** What must be as it was before when clients have gone: not what viewers who stay use more or less of. */
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

/** A started server; see the head of this file. */
export class ServerUnderTorture {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  #nextId = 1;
  #death: Error | undefined;

  private constructor(
    child: ChildProcess,
    readonly port: number,
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
    const args = ['-c', `${limit}exec "$0" "$@"`, process.execPath, join(__dirname, 'server-process.js')];
    const child = spawn('sh', [...args, JSON.stringify(config)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('the server did not start')));
      child.once('message', ({ port }: Message) => resolve(new ServerUnderTorture(child, port!)));
    });
  }

  /** rtsp://127.0.0.1:port/path, with each segment percent-encoded. */
  url(path: string): string {
    return `rtsp://127.0.0.1:${this.port}/${path.split('/').map(encodeURIComponent).join('/')}`;
  }

  inspect(): Promise<Inspection> {
    return this.#ask('inspect') as Promise<Inspection>;
  }

  /** What is to be compared later. */
  async standing(): Promise<Standing> {
    const { connections, contexts, files, descriptors, threads, memory } = await this.inspect();
    const { plans: _, ...spent } = memory;
    return {
      connections,
      contexts,
      files,
      descriptors,
      tasks: sumOf(threads.map(({ tasks }) => tasks)),
      counts: sumOf(threads.map(({ counts: { 'packet plans': __, ...counts } }) => counts)),
      memory: spent,
    };
  }

  /** What is to be compared later, once nobody but so many viewers is there and all that others left has gone. */
  async standingWith(viewers: number): Promise<Standing> {
    let standing = await this.standing();
    await eventually(async () => {
      standing = await this.standing();
      const { connections, counts, tasks } = standing;
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

  /** Expects that a newcomer is served at once, and that all is, or becomes, as it was before. */
  async expectAsBefore(before: Standing, movie: string, timeoutMs = DEADLINE_MS): Promise<void> {
    const client = await RtspClient.connect({ port: this.port });
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
    expect((await client.request('DESCRIBE', this.url(movie))).status).toBe(200);
    await client.close();
    await eventually(async () => expect(await this.standing()).toEqual(before), timeoutMs);
  }

  /** Stops it and expects that nothing was left. */
  async stop(): Promise<void> {
    const left = (await this.#ask('stop')) as ThreadSnapshot[];
    for (const { tasks, counts } of left) {
      expect(tasks).toEqual({});
      expect(Object.entries(counts).filter(([, count]) => count !== 0)).toEqual([]);
    }
  }

  #ask(ask: 'inspect' | 'stop'): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      if (this.#death !== undefined) throw this.#death;
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, ask });
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
