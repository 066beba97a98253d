/**
 * A host of its own at the end of a link, for what only shows across a network: a network namespace and a pair of veth
 * interfaces, whose server's end may be shaped, or a link that is a bad network. Used by test/load and test/clients. Rule: needs
 * Linux, root and iproute2; without them its tests skip and say so.
 */
import { spawnSync } from 'node:child_process';
import { type DescribeBlock, describeUnless } from './clients';
import { type Impairment, LIMIT_PACKETS, type PacketCounts, TunLink } from './tun-link';

/** Gives `describe` when namespaces and links can be made here; else a block that skips and says why. */
export function networkNamespacesOrSkip(): DescribeBlock {
  return describeUnless(whyNot((link) => link.shape({ rateMbit: 100, queueBytes: 100_000 })));
}

/** Gives `describe` when links can be impaired, too: by netem or by the program of tun-link.ts. */
export function badLinksOrSkip(): DescribeBlock {
  return describeUnless(whyNot((link) => link.mayBeImpaired()));
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

/** What became of all packets of an impaired link. */
export interface LinkCounts {
  readonly fromServer: PacketCounts;
  readonly toServer: PacketCounts;
}

let made = 0;

/** A namespace with one link to this one. Whoever makes it removes it. */
export class NetworkNamespace {
  readonly name = `finch-${process.pid}-${made++}`;
  readonly serverHost: string;
  readonly #peerHost: string;
  readonly #link = `fv${process.pid}s${made}`;
  readonly #peer = `${this.#link}p`;
  #badLink: TunLink | undefined;

  /** Throws Error when the machine does not permit it. */
  constructor() {
    // A /30 of 10.213.0.0/16 that no other process of the tests uses.
    const net = `10.213.${process.pid & 0xff}.${(made * 4) & 0xfc}`.split('.');
    const host = (last: number) => [...net.slice(0, 3), Number(net[3]) + last].join('.');
    this.serverHost = host(1);
    this.#peerHost = host(2);
    try {
      run('ip', ['netns', 'add', this.name]);
      run('ip', ['link', 'add', this.#link, 'type', 'veth', 'peer', 'name', this.#peer]);
      this.#connect();
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

  /**
   * Makes the link a bad network, both ways: by netem, or, where the kernel has none, by a link of another kind in its place.
   * Connections of before do not survive that.
   */
  async impair(impairment: Impairment): Promise<void> {
    if (this.#hasNetem()) return this.#useNetem(impairment);
    run('ip', ['link', 'delete', this.#link]);
    this.#badLink = await TunLink.open([this.#link, this.#peer], impairment);
    this.#connect();
  }

  /** Throws Error when impair() would. */
  mayBeImpaired(): void {
    if (this.#hasNetem()) return;
    run('ip', ['link', 'delete', this.#link]);
    const reason = TunLink.whyNot([this.#link, this.#peer]);
    if (reason !== undefined) throw new Error(`the kernel has no netem, and ${reason}`);
  }

  /** Tells what an impaired link did so far. Throws Error when it is gone. */
  async counts(): Promise<LinkCounts> {
    if (this.#badLink !== undefined) {
      const [fromServer, toServer] = await this.#badLink.counts();
      return { fromServer, toServer };
    }
    const [fromServer, toServer] = this.#ends.map(([where, device]) => {
      const told = run('tc', [...where, '-s', '-j', 'qdisc', 'show', 'dev', device]);
      const [{ packets, drops, requeues }] = JSON.parse(told);
      return { passed: packets, lost: drops, reordered: requeues }; // netem requeues what it does not delay
    });
    return { fromServer: fromServer!, toServer: toServer! };
  }

  /** Takes the link down: nothing arrives any more, and neither side hears of it. */
  cut(): void {
    run('ip', ['-n', this.name, 'link', 'set', `${this.#link}p`, 'down']);
  }

  remove(): void {
    this.#badLink?.close();
    // Its end of the link goes with the namespace, and the other end with that; at once, not when the kernel gets to it.
    spawnSync('ip', ['link', 'delete', this.#link]);
    spawnSync('ip', ['netns', 'delete', this.name]);
  }

  /** Each end with what tells iproute2 where it is. */
  get #ends(): readonly (readonly [where: readonly string[], device: string, host: string])[] {
    return [
      [[], this.#link, this.serverHost],
      [['-n', this.name], this.#peer, this.#peerHost],
    ];
  }

  /** Moves the other end there and gives both their addresses. */
  #connect(): void {
    run('ip', ['link', 'set', this.#peer, 'netns', this.name]);
    for (const [where, device, host] of this.#ends) {
      run('ip', [...where, 'address', 'add', `${host}/30`, 'dev', device]);
      run('ip', [...where, 'link', 'set', device, 'txqueuelen', String(LIMIT_PACKETS), 'up']);
    }
    run('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
  }

  #hasNetem(): boolean {
    const { status } = spawnSync('tc', [
      'qdisc',
      'replace',
      'dev',
      this.#link,
      'root',
      'netem',
      'delay',
      '1ms',
    ]);
    return status === 0;
  }

  /** TCP sends no more than a packet at a time then; of UDP a run that goes with UDP_SEGMENT is one packet to netem. */
  #useNetem(impairment: Impairment): void {
    for (const [where, device] of this.#ends) {
      run('ip', [...where, 'link', 'set', device, 'gso_max_segs', '1']);
      run('tc', [...where, 'qdisc', 'replace', 'dev', device, 'root', 'netem', ...netemOf(impairment)]);
    }
  }
}

function netemOf({ loss, delayMs, jitterMs, reordering }: Impairment): string[] {
  const delay = ['delay', `${delayMs}ms`, `${jitterMs}ms`];
  const faults = ['loss', `${loss * 100}%`, 'reorder', `${reordering * 100}%`];
  return ['limit', String(LIMIT_PACKETS), ...delay, ...faults];
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
