/**
 * A link of two TUN devices with a bad network between them: a program (tun-link.py) that loses, delays and reorders the IP
 * packets on their way. Used by network-namespace.ts where the kernel has no netem. Rule: the program ends with its input, so
 * with this process; the devices end with the program.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { PYTHON } from './clients';

/** What a bad network does to each packet, both ways; the names and their meaning are netem's (tc-netem(8)). */
export interface Impairment {
  /** Share of the packets that are lost, 0..1. */
  readonly loss: number;
  /** One way. */
  readonly delayMs: number;
  /** The delay of each packet differs by up to this, up and down. */
  readonly jitterMs: number;
  /** Share of the packets that are not delayed and so overtake others, 0..1. */
  readonly reordering: number;
}

/** What became of the packets that one end sent. */
export interface PacketCounts {
  readonly passed: number;
  readonly lost: number;
  /** Those that were not delayed. */
  readonly reordered: number;
}

/** Wait at most in each direction, beyond that packets are lost. */
export const LIMIT_PACKETS = 1000;
const PROGRAM = join(__dirname, 'tun-link.py');
const SEED = 1;
const CHECK_TIMEOUT_MS = 30_000;

/** Names both devices of a link. */
export type DeviceNames = readonly [string, string];

/** The program and its devices; see the head of this file. */
export class TunLink {
  readonly #program: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #complaint = '';

  private constructor(devices: DeviceNames, impairment: Impairment) {
    this.#program = spawn(PYTHON, argumentsOf(devices, impairment), { stdio: 'pipe' });
    this.#lines = createInterface(this.#program.stdout!);
    this.#lines.on('line', (line) => this.#waiting.shift()?.resolve(line));
    this.#program.stderr!.on('data', (text) => {
      this.#complaint += text;
    });
    this.#program.stdin!.on('error', () => {}); // told by `close`
    this.#program.on('error', (error) => this.#end(error));
    this.#program.on('close', () => this.#end(new Error(`tun-link.py has ended: ${this.#complaint.trim()}`)));
  }

  /** Says why such a link can't be made here, if so. */
  static whyNot(devices: DeviceNames): string | undefined {
    const nothing = { loss: 0, delayMs: 0, jitterMs: 0, reordering: 0 };
    const options = { input: '', encoding: 'utf8', timeout: CHECK_TIMEOUT_MS } as const;
    const { status, stderr, error } = spawnSync(PYTHON, argumentsOf(devices, nothing), options);
    if (status === 0) return undefined;
    return `no TUN device: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
  }

  /** Makes both devices, which are down and have no addresses yet. Throws Error when that can't be done. */
  static async open(devices: DeviceNames, impairment: Impairment): Promise<TunLink> {
    const link = new TunLink(devices, impairment);
    await link.#nextLine();
    return link;
  }

  /** Asks what became of the packets that came out of each device. Throws Error when the program has died. */
  async counts(): Promise<readonly [PacketCounts, PacketCounts]> {
    this.#program.stdin!.write('\n');
    return JSON.parse(await this.#nextLine());
  }

  close(): void {
    this.#program.kill('SIGKILL');
  }

  #nextLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#hasEnded()) reject(new Error(`tun-link.py has ended: ${this.#complaint.trim()}`));
      else this.#waiting.push({ resolve, reject });
    });
  }

  #hasEnded(): boolean {
    return this.#program.exitCode !== null || this.#program.signalCode !== null;
  }

  #end(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function argumentsOf([first, second]: DeviceNames, impairment: Impairment): string[] {
  const faults = { ...impairment, limitPackets: LIMIT_PACKETS, seed: SEED };
  return [PROGRAM, first, second, JSON.stringify(faults)];
}
