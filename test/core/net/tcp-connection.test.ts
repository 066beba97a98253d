/** An accepted TCP connection: order under back-pressure, who hears what, and its end. */
import type { StreamConnectionEvents } from '@finch/core/net/stream-connection';
import { TcpConnection } from '@finch/core/net/tcp-connection';
import { TaskEvent } from '@finch/core/reactor/events';
import { type NativeFile, native } from '@finch/native';
import fc from 'fast-check';
import { Folder, patternBytes } from '../../native/file-under-test';
import { makePlan, wireFrame, wirePacket } from '../../native/made-plan';
import {
  EAGAIN,
  ECONNRESET,
  EFAULT,
  ENOBUFS,
  EPIPE,
  expectBytes,
  nameOf,
  TcpPair,
} from '../../native/sockets-under-test';
import { eventually } from '../../support/deadline';
import { FunctionTask, ThreadUnderTest } from './thread-under-test';

const SMALL_BUFFER_BYTES = 4096;
const bytes = patternBytes(200_000);
const packets = Array.from({ length: 40 }, (_, i) => ({
  prefix: Uint8Array.of(i),
  offset: i * 100,
  sizeBytes: 50_000 + i,
}));

class Heard implements StreamConnectionEvents {
  drains = 0;
  readonly breaks: number[] = [];
  readonly queuedBytes: number[] = [];
  budgetBytes = Infinity;
  onBroken: () => void = () => {};
  drained(): void {
    this.drains++;
  }
  holdQueued(sizeBytes: number): boolean {
    if (sizeBytes > this.budgetBytes) return false;
    this.queuedBytes.push(sizeBytes);
    return true;
  }
  broken(code: number): void {
    this.breaks.push(code);
    this.onBroken();
  }
}

let folder: Folder;
let file: NativeFile;
let under: ThreadUnderTest;
let tcp: TcpPair;
let heard: Heard;
let connection: TcpConnection;

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
  under = new ThreadUnderTest();
  tcp = new TcpPair(SMALL_BUFFER_BYTES);
  heard = new Heard();
  const task = new FunctionTask(under.thread, (events) => connection.delivered(events));
  connection = new TcpConnection(tcp.disown(tcp.server), task.ref, under.batch, heard);
});
afterEach(async () => {
  connection.close();
  tcp.closeBoth();
  native.fileClose(file.id);
  await under.stop();
  folder.remove();
});

/** Reads at the client until `sizeBytes` have come. */
async function receive(sizeBytes: number, most = Infinity): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let count = 0;
  await eventually(() => {
    for (let piece = tcp.take(most); piece.length > 0; piece = tcp.take(most)) {
      pieces.push(piece);
      count += piece.length;
    }
    expect(count).toBeGreaterThanOrEqual(sizeBytes);
  });
  return Buffer.concat(pieces);
}

function registered() {
  return under.batch.registerPlan(makePlan(packets), file.id);
}

/** The run of `count` packets from `first`, and the bytes it is on the wire. */
function runOf(plan: ReturnType<typeof registered>, first: number, count: number) {
  const run = { ssrc: 7, sequence: 100, payloadType: 96, timestamp: 9 };
  const wire = packets
    .slice(first, first + count)
    .map((packet, i) =>
      wireFrame(2, wirePacket(packet, bytes, { ...run, fd: 0, plan: 0, packets: count }, i)),
    );
  return { run: { ...run, plan, firstPacket: first, packetCount: count }, wire: Buffer.concat(wire) };
}

describe('receive', () => {
  it('gives bytes, -EAGAIN, and 0 at the end', () => {
    const into = new Uint8Array(10);
    expect(connection.receive(into)).toBe(-EAGAIN);
    native.tcpSend(tcp.client, Uint8Array.of(5, 6), 0);
    expect(connection.receive(into)).toBe(2);
    tcp.close(tcp.client);
    expect(connection.receive(into)).toBe(0);
  });

  it('is heard of by its task', async () => {
    let events = 0;
    const other = new TcpPair();
    const task = new FunctionTask(under.thread, (bits) => {
      events |= bits;
    });
    const reader = new TcpConnection(other.disown(other.server), task.ref, under.batch, heard);
    reader.context.arm(1);
    native.tcpSend(other.client, Uint8Array.of(5), 0);
    await eventually(() => expect(events).toBe(TaskEvent.read));
    reader.close();
    other.closeBoth();
  });
});

describe('send', () => {
  it('leaves in the order of the calls, bytes and runs alike, however full the socket is', async () => {
    const plan = registered();
    const sent: Buffer[] = [];
    for (let i = 0; i < 30; i++) {
      const text = Buffer.from(`response ${i}\r\n\r\n`);
      connection.send(text);
      const { run, wire } = runOf(plan, i, 10);
      connection.sendRun(run, 2);
      sent.push(text, wire);
    }
    under.batch.flush();
    expect(connection.isFull).toBe(true);
    expectBytes(await receive(Buffer.concat(sent).length, 100_000), Buffer.concat(sent));
    await eventually(() => expect(heard.drains).toBe(1));
    expect(connection.isFull).toBe(false);
    expect(heard.breaks).toEqual([]);
  });

  it('accounts for what waits, until it is taken', async () => {
    const filler = Buffer.from(patternBytes(4_000_000, 3));
    connection.send(filler);
    under.batch.flush();
    const [first] = heard.queuedBytes.slice(-1);
    expect(first).toBeGreaterThan(0);
    connection.send(Buffer.alloc(10_000));
    const { run, wire } = runOf(registered(), 0, 40);
    connection.sendRun(run, 2);
    const more = heard.queuedBytes.slice(-2).map((sizeBytes) => sizeBytes - first!);
    expect(more[0]).toBeGreaterThan(10_000);
    // The packets of a run are in the file: what waits is a row.
    expect(more[1]! - more[0]!).toBeLessThan(1000);
    await receive(filler.length + 10_000 + wire.length);
    await eventually(() => expect([heard.drains, heard.queuedBytes.at(-1)]).toEqual([1, 0]));
  });

  it('of what there is no memory for breaks the connection, which keeps nothing of it', () => {
    heard.budgetBytes = 100_000;
    connection.send(Buffer.from(patternBytes(4_000_000, 3)));
    under.batch.flush();
    expect(heard.breaks).toEqual([-ENOBUFS]);
    expect(connection.isFull).toBe(false);
    connection.send(Buffer.of(1));
    under.batch.flush();
    expect(heard.breaks.length).toBe(1);
  });

  it('of more than the arena holds arrives whole', async () => {
    const long = Buffer.from(patternBytes(5_000_000, 3));
    connection.send(long);
    connection.send(Buffer.of(1, 2, 3));
    under.batch.flush();
    expectBytes(await receive(long.length + 3), Buffer.concat([long, Buffer.of(1, 2, 3)]));
    await eventually(() => expect(heard.drains).toBe(1));
  });

  it('copies the bytes, waiting or not', async () => {
    const filler = Buffer.from(patternBytes(4_000_000, 3));
    const first = Buffer.of(1, 2);
    connection.send(first);
    first.fill(9);
    connection.send(filler);
    under.batch.flush();
    expect(connection.isFull).toBe(true);
    const last = Buffer.of(3, 4);
    connection.send(last);
    last.fill(9);
    expectBytes(await receive(filler.length + 4), Buffer.concat([Buffer.of(1, 2), filler, Buffer.of(3, 4)]));
  });

  it('is exact whatever is sent and read when (property)', async () => {
    const plan = registered();
    const bytesStep = fc.record({ kind: fc.constant('bytes' as const), size: fc.nat(1_500_000) });
    const runStep = fc.record({
      kind: fc.constant('run' as const),
      first: fc.nat(39),
      count: fc.integer({ min: 1, max: 40 }),
    });
    const readStep = fc.record({ kind: fc.constant('read' as const), most: fc.nat(1_000_000) });
    const flushStep = fc.record({ kind: fc.constant('flush' as const) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(bytesStep, runStep, readStep, flushStep), { maxLength: 12 }),
        async (steps) => {
          const sent: Uint8Array[] = [];
          const got: Buffer[] = [];
          for (const step of steps) {
            if (step.kind === 'bytes') {
              const piece = patternBytes(step.size, step.size);
              connection.send(piece);
              sent.push(piece);
            } else if (step.kind === 'run') {
              const { run, wire } = runOf(plan, step.first, Math.min(step.count, 40 - step.first));
              connection.sendRun(run, 2);
              sent.push(wire);
            } else if (step.kind === 'read') got.push(tcp.take(step.most));
            else under.batch.flush();
          }
          under.batch.flush();
          const stream = Buffer.concat(sent);
          got.push(await receive(stream.length - Buffer.concat(got).length));
          expectBytes(Buffer.concat(got), stream);
          await eventually(() => expect(connection.isFull).toBe(false));
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('a broken connection', () => {
  it('is told once, and what is sent then is dropped', () => {
    tcp.reset();
    const { run } = runOf(registered(), 0, 5);
    connection.sendRun(run, 0);
    connection.send(Buffer.of(1));
    under.batch.flush();
    connection.send(Buffer.of(2));
    connection.sendRun(run, 0);
    under.batch.flush();
    expect(heard.breaks.length).toBe(1);
    expect([-EPIPE, -ECONNRESET]).toContain(heard.breaks[0]);
    expect(heard.drains).toBe(0);
    expect(connection.isFull).toBe(false);
    expect(connection.isOpen).toBe(true);
  });

  it('may be closed while it is told', () => {
    tcp.reset();
    heard.onBroken = () => connection.close();
    connection.send(Buffer.of(1));
    connection.send(Buffer.of(2));
    under.batch.flush();
    expect(heard.breaks.length).toBe(1);
    expect(connection.isOpen).toBe(false);
  });

  it('hears of a file that can not be read as EFAULT', () => {
    const { run } = runOf(registered(), 0, 5);
    folder.write('movie', '');
    connection.sendRun(run, 0);
    under.batch.flush();
    expect(heard.breaks).toEqual([-EFAULT]);
  });
});

describe('close', () => {
  it('sends what the socket takes at once, and ends the stream', () => {
    connection.send(Buffer.from('farewell'));
    connection.close();
    expect(tcp.takeExactly(8)).toEqual(Buffer.from('farewell'));
    expect(connection.isOpen).toBe(false);
  });

  it('comes once, drops what waits and holds no plan', async () => {
    const plan = registered();
    for (let i = 0; i < 5; i++) connection.sendRun(runOf(plan, 0, 40).run, 0);
    under.batch.flush();
    expect(connection.isFull).toBe(true);
    connection.close();
    connection.close();
    connection.send(Buffer.of(1));
    connection.sendRun(runOf(plan, 0, 1).run, 0);
    connection.delivered(TaskEvent.write);
    expect(plan.holders).toBe(0);
    await eventually(() => expect(native.contextCount()).toBe(0));
    expect([heard.drains, heard.breaks]).toEqual([0, []]);
  });
});

describe('release', () => {
  it('gives the descriptor back open, with what was not received, and what was sent has left', async () => {
    native.tcpSend(tcp.client, Uint8Array.of(5, 6), 0);
    connection.send(Buffer.from('before'));
    const fd = connection.release();
    expect(fd).toBe(tcp.server);
    expect(connection.isOpen).toBe(false);
    expect(tcp.takeExactly(6)).toEqual(Buffer.from('before'));
    connection.send(Buffer.from('after'));
    connection.close();
    const into = new Uint8Array(10);
    await eventually(() => expect(native.tcpReceive(fd, into)).toBe(2));
    expect(tcp.take().length).toBe(0);
    native.socketClose(fd);
    await eventually(() => expect(native.contextCount()).toBe(0));
  });

  it('is an error once it is closed', () => {
    connection.close();
    expect(() => connection.release()).toThrow('the event thread gave no descriptor back');
  });
});

describe('a connection', () => {
  it('knows its own address', () => {
    expect(connection.localAddress.port).toBe(nameOf(tcp.server)[1]);
    expect(connection.localAddress.host).toBe('127.0.0.1');
  });

  it('that the event thread refuses leaves the descriptor to its caller', () => {
    const task = new FunctionTask(under.thread, () => {});
    expect(() => new TcpConnection(1_000_000, task.ref, under.batch, heard)).toThrow(
      'the event thread refused descriptor 1000000',
    );
    expect(native.contextCount()).toBe(1);
  });
});
