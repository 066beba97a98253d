/** The addon's receiveOptions: when datagrams arrived, how many were dropped before, and runs of them in one piece. */
import { type NativeFile, native } from '@finch/native';
import { Folder, patternBytes } from './file-under-test';
import { MadeBatch, makePlan } from './made-plan';
import { Kind, SetUnderTest, type TakenRow } from './set-under-test';
import { TcpPair, UdpSink } from './sockets-under-test';

const RTP_HEADER_BYTES = 12;
const SLICE_BYTES = 1000;
const RUN_PACKETS = 5;
const FLOOD = 64;
const MAX_MARKS = 200;
const MAX_PAIRS = 20;
const PAUSE_US = 2000;

let folder: Folder;
let file: NativeFile;
let sender: UdpSink;
let batch: MadeBatch;
let set: SetUnderTest;

beforeAll(() => {
  folder = new Folder();
  file = folder.map('movie', patternBytes(SLICE_BYTES * RUN_PACKETS));
});
afterAll(() => {
  native.fileClose(file.id);
  folder.remove();
});
beforeEach(() => {
  sender = new UdpSink();
  batch = new MadeBatch();
  set = new SetUnderTest();
});
afterEach(() => {
  set.close();
  batch.native.close();
  sender.close();
});

/** A sink in the set, with these options. */
function sinkWith(bufferBytes: number, takesRuns: boolean, boundBufferBytes?: number): UdpSink {
  const sink = new UdpSink('127.0.0.1', boundBufferBytes);
  expect(native.receiveOptions(sink.fd, bufferBytes, takesRuns)).toBe(0);
  expect(set.add(sink.fd, Kind.datagrams, 1)).toBe(0);
  return sink;
}

/** Sends datagrams of `sizeBytes` whose bytes are all `mark`. */
function send(sink: UdpSink, count: number, sizeBytes: number, mark: number): void {
  batch.arena.fill(mark, 0, sizeBytes);
  for (let i = 0; i < count; i++) batch.addDatagram(sender.fd, 0, sizeBytes, sink.address);
  expect(batch.flush()).toEqual([]);
}

/** Sends a run of equal packets as one message that the kernel cuts. */
function sendRun(sink: UdpSink): void {
  const packets = Array.from({ length: RUN_PACKETS }, (_, i) => ({
    prefix: new Uint8Array(0),
    offset: i * SLICE_BYTES,
    sizeBytes: SLICE_BYTES,
  }));
  const plan = batch.native.addPlan(makePlan(packets), file.id);
  batch.addUdpRun({ fd: sender.fd, plan, packets: RUN_PACKETS }, sink.address);
  expect(batch.flush()).toEqual([]);
  batch.native.removePlan(plan);
}

/** Between the arrivals of two datagrams that one call took, of the first such pair that does not look like one arrival. */
function gapUs(sink: UdpSink): number {
  for (let tries = 0; tries < MAX_PAIRS; tries++) {
    send(sink, 1, 10, 1);
    const untilUs = native.nowUs() + PAUSE_US;
    while (native.nowUs() < untilUs);
    send(sink, 1, 10, 2);
    const rows = set.takeOnce();
    if (rows.length < 2)
      set.take(1); // the second one was slow to arrive
    else if (rows[1]!.arrivalUs > rows[0]!.arrivalUs) return rows[1]!.arrivalUs - rows[0]!.arrivalUs;
  }
  return 0;
}

describe('receiveOptions', () => {
  it('gives runs in one piece to who asks for that, and says how long a datagram is', () => {
    const sink = sinkWith(0, true);
    sendRun(sink);
    const packetBytes = RTP_HEADER_BYTES + SLICE_BYTES;
    expect(set.take(1)).toMatchObject([{ result: RUN_PACKETS * packetBytes, segmentBytes: packetBytes }]);
    sink.close();
  });

  it('gives datagrams one by one to who does not', () => {
    const sink = sinkWith(0, false);
    sendRun(sink);
    const rows = set.take(RUN_PACKETS);
    expect(rows.map(({ result }) => result)).toEqual(
      new Array<number>(RUN_PACKETS).fill(RTP_HEADER_BYTES + SLICE_BYTES),
    );
    expect(rows.map(({ segmentBytes }) => segmentBytes)).toEqual(new Array<number>(RUN_PACKETS).fill(0));
    sink.close();
  });

  it('has arrivals told by the kernel, not by the call that reads them', () => {
    const sink = sinkWith(0, false);
    expect(gapUs(sink)).toBeGreaterThan(0);
    sink.close();
    const plain = new UdpSink();
    expect(set.add(plain.fd, Kind.datagrams, 1)).toBe(0);
    expect(gapUs(plain)).toBe(0);
    plain.close();
  });

  it('has the datagrams counted that the socket had no room for', () => {
    const sink = sinkWith(0, false, 1);
    send(sink, FLOOD, 1400, 0);
    const taken: TakenRow[] = [];
    let marks = 0;
    // What comes behind the flood may be dropped as well, while there is no room: it is sent until one gets through.
    while (marks < MAX_MARKS && !(taken.at(-1)?.bytes[0] ?? 0)) {
      send(sink, 1, 1, ++marks);
      for (let rows = set.takeOnce(1); rows.length > 0; rows = set.takeNow(1)) taken.push(...rows);
    }
    const { bytes, dropped } = taken.at(-1)!;
    expect(bytes.length).toBe(1);
    expect(dropped).toBe(FLOOD + bytes[0]! - taken.length);
    expect(dropped).toBeGreaterThan(0);
    sink.close();
  });

  it('gives a socket the buffer that it names', () => {
    const kept = (bufferBytes: number) => {
      const sink = sinkWith(bufferBytes, false, 1);
      send(sink, FLOOD, 1400, 0);
      const count = set.take(bufferBytes > 0 ? FLOOD : 1).length + set.takeNow().length;
      sink.close();
      return count;
    };
    expect(kept((1 << 17) << 2)).toBe(FLOOD);
    expect(kept(0)).toBeLessThan(FLOOD);
  });

  it.each([
    ['a stream', () => new TcpPair()],
    ['nothing', () => null],
  ])('is best effort: %s is no error', (_, make) => {
    const tcp = make();
    expect(native.receiveOptions(tcp?.client ?? -1, 1 << 16, true)).toBe(0);
    tcp?.closeBoth();
  });
});
