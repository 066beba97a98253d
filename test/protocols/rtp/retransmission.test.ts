/** Lost packets that are asked for again: which are found, how they go, and the bounds (RFC 4585 §6.2.1, RFC 4588 §4). */
import { TaskEvent } from '@finch/core';
import {
  isNackOf,
  MAX_NACKS_PER_S,
  MAX_REPORTS_PER_S,
  Retransmission,
  readNack,
  readReports,
  receiverReportBlockCount,
  writeNack,
  writeReceiverReport,
} from '@finch/rtp';
import type { MadeUpTrack } from '../../modules/file-vod/made-up-presentation';
import { sliceBytes, VirtualViewer } from './virtual-viewer';

const SECONDS = 30;
const VIDEO: MadeUpTrack = {
  kind: 'video',
  clockRateHz: 90_000,
  dtsUs: Array.from({ length: SECONDS * 25 }, (_, i) => i * 40_000),
  keyFrames: Array.from({ length: SECONDS / 2 }, (_, i) => i * 50),
};
/** Six packets of at most 1400 bytes. */
const PICTURE_BYTES = 8000;

function open(isLossy = true): VirtualViewer {
  return new VirtualViewer({
    tracks: [VIDEO],
    durationUs: SECONDS * 1e6,
    isLossy,
    frameBytes: (_track, frame) =>
      sliceBytes(frame % 50 === 0 ? 0x65 : frame % 2 === 1 ? 0x01 : 0x41, PICTURE_BYTES),
  });
}

function compound(ssrc: number, items: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2048);
  const report = writeReceiverReport(bytes, 0, 7, []);
  return bytes.slice(0, report + writeNack(bytes, report, 7, ssrc, items));
}

/** Asks for packets again, at the time of the movie. */
function ask(viewer: VirtualViewer, items: readonly number[]): void {
  const [sender] = viewer.session.senders;
  expect(sender!.reportArrived(compound(sender!.ssrc, items), viewer.nowMs * 1000)).toBe(true);
}

describe('a generic NACK', () => {
  const missedOf = (bytes: Uint8Array) => {
    const missed: number[] = [];
    readNack(bytes, 0, { missed: (sequence) => missed.push(sequence) });
    return missed;
  };

  it('names packets by number and by mask, over the wrap-around', () => {
    const bytes = new Uint8Array(64);
    const length = writeNack(bytes, 0, 1, 2, [65_530, 3]);
    bytes[14] = 0x80; // bit 15
    bytes[15] = 0x21; // bits 0 and 5
    expect(missedOf(bytes.subarray(0, length))).toEqual([65_530, 65_531, 0, 10, 3]);
  });

  it('is of one source, holds an item, and has its own format', () => {
    const bytes = new Uint8Array(64);
    writeNack(bytes, 0, 1, 2, [3]);
    expect([isNackOf(bytes, 0, 2), isNackOf(bytes, 0, 1)]).toEqual([true, false]);
    bytes[0] = (bytes[0]! & 0xe0) | 15; // application layer feedback
    expect(isNackOf(bytes, 0, 2)).toBe(false);
    writeNack(bytes, 0, 1, 2, []);
    expect(isNackOf(bytes, 0, 2)).toBe(false);
    expect(writeNack(new Uint8Array(15), 0, 1, 2, [3])).toBeLessThan(0);
  });

  it('that is cut short makes its compound malformed', () => {
    const bytes = compound(5, [1, 2, 3]);
    expect(receiverReportBlockCount(bytes, 0)).toBe(0);
    const statistics = open().session.senders[0]!;
    expect(readReports(bytes.subarray(0, bytes.length - 4), 5, 0, statistics, statistics)).toBe(false);
    expect(statistics.nackedPackets).toBe(0);
  });
});

describe('a packet that is asked for again', () => {
  it('goes with its own bytes and timestamp, in a stream of its own', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(5000);
    const [sender] = viewer.session.senders;
    const units = viewer.sent[0]!;
    const unit = units[units.length - 3]!;
    ask(viewer, [unit.sequence, (unit.sequence + 4) & 0xffff]);
    const [first, second] = viewer.again;
    expect(viewer.again.map(({ original }) => original)).toEqual([
      unit.sequence,
      (unit.sequence + 4) & 0xffff,
    ]);
    expect(second!.run.firstPacket).toBe(first!.run.firstPacket + 4);
    expect(second!.run.sequence).toBe((first!.run.sequence + 1) & 0xffff);
    for (const { run } of viewer.again) {
      expect(run).toMatchObject({ packetCount: 1, payloadType: 127, timestamp: unit.timestamp });
      expect(run.ssrc).not.toBe(sender!.ssrc);
    }
    expect([sender!.nackedPackets, sender!.retransmittedPackets]).toEqual([2, 2]);
  });

  it('is found in the plan before, and beyond pictures that were left out', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(3000);
    viewer.isFull = true;
    viewer.passMs(1300);
    viewer.isFull = false;
    viewer.session.signal(TaskEvent.write);
    viewer.passMs(300);
    const units = viewer.sent[0]!;
    const recent = units.filter(({ timestamp }) => ((units.at(-1)!.timestamp - timestamp) | 0) < 90_000);
    ask(
      viewer,
      recent.map(({ sequence }) => sequence),
    );
    expect(viewer.session.senders[0]!.thinned.disposable).toBeGreaterThan(5);
    expect(viewer.again.map(({ run }) => run.timestamp)).toEqual(recent.map(({ timestamp }) => timestamp));
  });

  it('is not found when it is older than two seconds, of before a seek, or was never sent', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(5000);
    const units = viewer.sent[0]!;
    const last = units.at(-1)!;
    ask(viewer, [units[units.length - 52]!.sequence, (last.sequence + last.packets) & 0xffff, 12_345]);
    expect(viewer.again).toEqual([]);
    viewer.session.play(20_000_000);
    ask(viewer, [last.sequence]);
    viewer.passMs(100);
    ask(viewer, [last.sequence]);
    expect(viewer.again).toEqual([]);
    ask(viewer, [viewer.sent[0]!.at(-1)!.sequence]);
    expect(viewer.again.length).toBe(1);
  });

  it('is sent no oftener than a share of the rate of the track allows', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(5000);
    const { sequence } = viewer.sent[0]!.at(-1)!;
    ask(viewer, new Array<number>(400).fill(sequence));
    const atOnce = viewer.again.length;
    expect(atOnce).toBeLessThan(100);
    ask(viewer, new Array<number>(400).fill(sequence));
    expect(viewer.again.length).toBe(atOnce);
    expect(viewer.session.senders[0]!.nackedPackets).toBe(800);
  });

  it('is not looked for when more were asked for than a player loses; in the next second it is', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(5000);
    const last = () => viewer.sent[0]!.at(-1)!.sequence;
    const neverSent = (last() + 10_000) & 0xffff;
    for (let asked = 0; asked < MAX_NACKS_PER_S; asked += 400)
      ask(viewer, new Array<number>(400).fill(neverSent));
    ask(viewer, [last()]);
    expect(viewer.again).toEqual([]);
    viewer.passMs(1000);
    ask(viewer, [last()]);
    expect(viewer.again.length).toBe(1);
  });

  it('is not heard of when the viewer reports without end', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(5000);
    const sender = viewer.session.senders[0]!;
    const report = compound(sender.ssrc, [viewer.sent[0]!.at(-1)!.sequence]);
    const nowUs = viewer.nowMs * 1000;
    const taken = Array.from({ length: MAX_REPORTS_PER_S + 2 }, () => sender.reportArrived(report, nowUs));
    expect(taken.filter(Boolean).length).toBe(MAX_REPORTS_PER_S);
    expect([sender.nackedPackets, sender.rejectedReports]).toEqual([MAX_REPORTS_PER_S, 2]);
    expect(sender.reportArrived(report, nowUs + 1_000_000)).toBe(true);
  });

  it('is not sent again over a way that loses nothing', () => {
    const viewer = open(false);
    viewer.session.play(0);
    viewer.passMs(1000);
    ask(viewer, [viewer.sent[0]!.at(-1)!.sequence]);
    expect([viewer.again, viewer.session.senders[0]!.nackedPackets]).toEqual([[], 0]);
  });
});

it('the budget of retransmissions is a quarter of the rate, and four seconds of that at once', () => {
  const stream = new Retransmission(127, 8_000_000, 0);
  let bytes = 0;
  while (stream.spends(1000, 0)) bytes += 1000;
  expect(bytes).toBe(1_000_000);
  expect(stream.spends(1000, 3_000)).toBe(false);
  expect(stream.spends(1000, 8_000)).toBe(true);
  expect(stream.packets).toBe(1001);
});
