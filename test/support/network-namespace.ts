/**
 * A host of its own at the end of a link, for what only shows across a network: a network namespace and a pair of veth
 * interfaces, whose server's end may be shaped. Used by test/load. Rule: needs Linux, root and iproute2; without them its tests
 * skip and say so.
 */
import { spawnSync } from 'node:child_process';
import { type DescribeBlock, describeUnless } from './clients';

/** Gives `describe` when namespaces and links can be made here; else a block that skips and says why. */
export function networkNamespacesOrSkip(): DescribeBlock {
  return describeUnless(whyNot((link) => link.shape({ rateMbit: 100, queueBytes: 100_000 })));
}

/** Gives `describe` when the kernel of this machine has netem, too. */
export function netemOrSkip(): DescribeBlock {
  return describeUnless(whyNot((link) => link.impair(['delay', '1ms'])));
}

function whyNot(use: (link: NetworkNamespace) => void): string | undefined {
  try {
    const link = new NetworkNamespace();
    try {
      use(link);
    } finally {
      link.remove();
    }
    return undefined;
  } catch (error) {
    return `no such network can be made here: ${(error as Error).message}`;
  }
}

/** Says what the server's end of a link does to what the server sends. */
export interface Shape {
  readonly rateMbit: number;
  /** What waits beyond this is dropped. */
  readonly queueBytes: number;
}

let made = 0;

/** A namespace with one link to this one. Whoever makes it removes it. */
export class NetworkNamespace {
  readonly name = `finch-${process.pid}-${made++}`;
  readonly serverHost: string;
  readonly #link = `fv${process.pid}s${made}`;

  /** Throws Error when the machine does not permit it. */
  constructor() {
    // A /30 of 10.213.0.0/16 that no other process of the tests uses.
    const net = `10.213.${process.pid & 0xff}.${(made * 4) & 0xfc}`.split('.');
    const host = (last: number) => [...net.slice(0, 3), Number(net[3]) + last].join('.');
    this.serverHost = host(1);
    const peer = `${this.#link}p`;
    try {
      run('ip', ['netns', 'add', this.name]);
      run('ip', ['link', 'add', this.#link, 'type', 'veth', 'peer', 'name', peer, 'netns', this.name]);
      run('ip', ['address', 'add', `${host(1)}/30`, 'dev', this.#link]);
      run('ip', ['link', 'set', this.#link, 'up']);
      run('ip', ['-n', this.name, 'address', 'add', `${host(2)}/30`, 'dev', peer]);
      run('ip', ['-n', this.name, 'link', 'set', peer, 'up']);
      run('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Makes a command line run inside. */
  inside(command: string, args: readonly string[]): { command: string; args: string[] } {
    return { command: 'ip', args: ['netns', 'exec', this.name, command, ...args] };
  }

  /** Narrows the server's end of the link: a token bucket of one packet in front of a short queue. */
  shape({ rateMbit, queueBytes }: Shape): void {
    const bucket = ['rate', `${rateMbit}mbit`, 'burst', '5000', 'limit', String(queueBytes)];
    run('tc', ['qdisc', 'replace', 'dev', this.#link, 'root', 'tbf', ...bucket]);
  }

  /** Makes the server's end of the link a bad network: what netem is told (tc-netem(8)). */
  impair(netem: readonly string[]): void {
    run('tc', ['qdisc', 'replace', 'dev', this.#link, 'root', 'netem', ...netem]);
  }

  /** Takes the link down: nothing arrives any more, and neither side hears of it. */
  cut(): void {
    run('ip', ['-n', this.name, 'link', 'set', `${this.#link}p`, 'down']);
  }

  remove(): void {
    // Its end of the link goes with the namespace, and the other end with that; at once, not when the kernel gets to it.
    spawnSync('ip', ['link', 'delete', this.#link]);
    spawnSync('ip', ['netns', 'delete', this.name]);
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
}
