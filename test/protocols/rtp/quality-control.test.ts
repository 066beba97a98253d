/** What UDP viewers get when their players report loss or a long queue, and when the network recovers (DSS-P7, DSS-P13). */
import {
  emptyReportBlock,
  Quality,
  QualityControl,
  type ReceptionStatistics,
  type SlowViewer,
  writeReceiverReport,
} from '@finch/rtp';
import type { MadeUpTrack } from '../../modules/file-vod/made-up-presentation';
import { ticksBetween } from '../../support/rtp-receiver';
import { sliceBytes, VirtualViewer } from './virtual-viewer';

const REPORT_US = 5_000_000;
const TRIP_US = 20_000;

/** A player that reports every five seconds: `expected` packets, of which a share is lost. */
class Player implements ReceptionStatistics {
  fractionLost = 0;
  cumulativeLost = 0;
  highestSequence = 1000;
  jitterTicks = 0;
  roundTripUs = TRIP_US;
  receivedReports = 0;

  lose(share: number, expected = 200): this {
    this.highestSequence = (this.highestSequence + expected) | 0;
    this.cumulativeLost += Math.round(expected * share);
    this.fractionLost = Math.ceil(share * 256);
    this.receivedReports++;
    return this;
  }
}

function reporter(thinFromLoss = 0.3) {
  const control = new QualityControl(1, thinFromLoss);
  const player = new Player();
  let nowUs = 0;
  return {
    control,
    player,
    /** Reports so often; gives the quality after each. */
    report: (share: number, times: number): Quality[] =>
      Array.from({ length: times }, () => {
        nowUs += REPORT_US;
        control.heard(0, player.lose(share), nowUs);
        return control.quality;
      }),
  };
}

const { full, noDisposable, keyFrames, soundOnly } = Quality;

describe('the quality', () => {
  it('goes down a step with every three reports of 30 % loss, to the sound', () => {
    const { report } = reporter();
    expect(report(0.3, 12)).toEqual([
      ...[full, full, noDisposable, noDisposable, noDisposable, keyFrames],
      ...[keyFrames, keyFrames, soundOnly, soundOnly, soundOnly, soundOnly],
    ]);
  });

  it('comes back a step with every six reports of less than 5 %', () => {
    const { report } = reporter();
    report(0.5, 6);
    expect(report(0.04, 13)).toEqual([
      ...[keyFrames, keyFrames, keyFrames, keyFrames, keyFrames, noDisposable],
      ...[noDisposable, noDisposable, noDisposable, noDisposable, noDisposable, full, full],
    ]);
  });

  it('is not changed by 5 % for ever, by two bad reports in a row, or by what lies between', () => {
    const { report } = reporter();
    expect(new Set(report(0.05, 50))).toEqual(new Set([full]));
    for (let i = 0; i < 10; i++) expect([...report(0.9, 2), ...report(0, 1)]).toEqual([full, full, full]);
    report(0.5, 3);
    expect(new Set(report(0.2, 50))).toEqual(new Set([noDisposable]));
  });

  it('heeds the loss that the operator names', () => {
    expect(reporter(0.1).report(0.1, 3)).toEqual([full, full, noDisposable]);
  });

  it('goes down when the round trip is 750 ms longer than it can be, and up when it is within 250 ms', () => {
    const { report, player } = reporter();
    report(0, 1);
    player.roundTripUs = TRIP_US + 750_000;
    expect(report(0, 3)).toEqual([full, full, noDisposable]);
    player.roundTripUs = TRIP_US + 250_000;
    expect(new Set(report(0, 20))).toEqual(new Set([noDisposable]));
    player.roundTripUs = TRIP_US + 249_000;
    expect(report(0, 6).at(-1)).toBe(full);
  });

  it('hears a player that reports with every packet once a second, for all of it', () => {
    const control = new QualityControl(1, 0.3);
    const player = new Player();
    // 5 %, in reports of 20 packets: now and then all of a report is lost
    for (let i = 0; i < 2000; i++) {
      control.heard(0, player.lose(i % 20 < 1 ? 1 : 0, 20), i * 100_000);
      expect(control.quality).toBe(full);
    }
  });

  it('waits with thickening for the worst of the tracks', () => {
    const control = new QualityControl(2, 0.3);
    const [video, audio] = [new Player(), new Player()];
    let nowUs = 0;
    const both = (ofVideo: number, ofAudio: number, times: number) => {
      for (let i = 0; i < times; i++) {
        nowUs += REPORT_US;
        control.heard(0, video.lose(ofVideo), nowUs);
        control.heard(1, audio.lose(ofAudio), nowUs);
      }
      return control.quality;
    };
    expect(both(0.5, 0, 3)).toBe(noDisposable);
    expect(both(0, 0.2, 20)).toBe(noDisposable);
    expect(both(0, 0, 6)).toBe(full);
  });

  it('believes no report that tells nothing new, or nonsense', () => {
    const { control, player } = reporter();
    player.lose(1);
    for (let i = 0; i < 20; i++) control.heard(0, player, i * REPORT_US);
    expect(control.quality).toBe(full);
    expect(control.heard(7, player.lose(1), 1e9)).toBe(false);
    player.cumulativeLost = -(2 ** 23);
    player.highestSequence = 0xffff_ffff | 0;
    control.heard(0, player, 2e9);
    expect(control.loss).toBeGreaterThanOrEqual(0);
    expect(control.loss).toBeLessThanOrEqual(1);
  });
});

const every = (count: number, us: number): number[] => Array.from({ length: count }, (_, i) => i * us);
const VIDEO: MadeUpTrack = {
  kind: 'video',
  clockRateHz: 90_000,
  dtsUs: every(120 * 25, 40_000),
  keyFrames: every(60, 50),
};
const AUDIO: MadeUpTrack = { kind: 'audio', clockRateHz: 48_000, dtsUs: every(120 * 50, 20_000) };

function open(slowViewer: Partial<SlowViewer> = {}, isLossy = true): VirtualViewer {
  return new VirtualViewer({
    tracks: [VIDEO, AUDIO],
    durationUs: 120e6,
    isLossy,
    slowViewer,
    frameBytes: (track, frame) =>
      track === 1
        ? new Uint8Array(1000)
        : sliceBytes(frame % 50 === 0 ? 0x65 : frame % 2 === 1 ? 0x01 : 0x41),
  });
}

/** Plays for so many rounds of five seconds, each with a report of `loss` about both tracks. */
function playOn(viewer: VirtualViewer, loss: number, rounds: number): void {
  const { senders } = viewer.session;
  for (let round = 0; round < rounds; round++) {
    viewer.passMs(5000);
    for (const sender of senders) {
      const bytes = new Uint8Array(64);
      const highestSequence = 1000 + sender.packetCount;
      const sent = highestSequence - Math.max(sender.highestSequence, 1000);
      const cumulativeLost = sender.cumulativeLost + Math.round(sent * loss);
      const fractionLost = Math.floor(loss * 256);
      const block = {
        ...emptyReportBlock(),
        ssrc: sender.ssrc,
        highestSequence,
        cumulativeLost,
        fractionLost,
      };
      const length = writeReceiverReport(bytes, 0, 1, [block]);
      expect(sender.reportArrived(bytes.subarray(0, length), viewer.nowMs * 1000)).toBe(true);
      viewer.session.reportRead(sender);
    }
  }
}

/** The numbers of the pictures sent from the `from`th unit on. */
function picturesOf(viewer: VirtualViewer, from: number): number[] {
  const video = viewer.sent[0]!;
  return video.slice(from).map(({ timestamp }) => ticksBetween(video[0]!.timestamp, timestamp) / 3600);
}

describe('a UDP viewer who reports loss', () => {
  it('gets fewer pictures step by step, all of the sound, and comes back on a key frame', () => {
    const viewer = open();
    viewer.session.play(0);
    playOn(viewer, 0.5, 3);
    let had = viewer.sent[0]!.length;
    playOn(viewer, 0.5, 3);
    expect(picturesOf(viewer, had).every((picture) => picture % 2 === 0)).toBe(true);
    had = viewer.sent[0]!.length;
    playOn(viewer, 0.5, 3);
    expect(picturesOf(viewer, had).every((picture) => picture % 50 === 0)).toBe(true);
    had = viewer.sent[0]!.length;
    playOn(viewer, 0, 6);
    expect(picturesOf(viewer, had)).toEqual([]);
    expect(viewer.told).toEqual(['quality 1', 'quality 2', 'quality 3', 'quality 2']);
    const thinned = viewer.session.senders.map((sender) => sender.thinned);
    expect(thinned[0]!.disposable).toBeGreaterThan(100);
    expect(thinned[0]!.upToKeyFrame).toBeGreaterThan(300);
    const { wholeGroups, groupFrames } = thinned[0]!;
    expect(groupFrames).toBeGreaterThan(600);
    expect(wholeGroups).toBe(Math.ceil(groupFrames / 50)); // the last one is under way
    expect(thinned[1]!.audio).toBe(0);
    expect(Math.abs(viewer.sent[1]!.length - 75 * 50)).toBeLessThanOrEqual(2);
    // half way between two key frames all is well again
    playOn(viewer, 0, 6);
    had = viewer.sent[0]!.length;
    playOn(viewer, 0, 3);
    expect(picturesOf(viewer, had)[0]! % 2).toBe(0);
    for (const units of viewer.sent)
      units.slice(1).forEach(({ sequence }, i) => {
        expect(sequence).toBe((units[i]!.sequence + units[i]!.packets) & 0xffff);
      });
  });

  it('gets everything from a key frame on when the network recovers', () => {
    const viewer = open();
    viewer.session.play(0);
    playOn(viewer, 0.5, 6);
    viewer.passMs(1000); // the middle of a group
    playOn(viewer, 0, 6); // at 61 s
    const had = viewer.sent[0]!.length;
    playOn(viewer, 0, 6); // at 91 s, the middle of a group again: quality 0
    const after = viewer.sent[0]!.length;
    viewer.passMs(5000);
    expect(viewer.told).toEqual(['quality 1', 'quality 2', 'quality 1', 'quality 0']);
    expect(picturesOf(viewer, had)[0]! % 50).toBe(0);
    const pictures = picturesOf(viewer, after);
    expect(pictures).toEqual(Array.from({ length: pictures.length }, (_, i) => pictures[0]! + i));
  });

  it.each([
    ['when thinning is off', open({ isThinning: false })],
    ['over a way that loses nothing', open({}, false)],
  ])('gets everything %s', (_name, viewer) => {
    viewer.session.play(0);
    playOn(viewer, 0.9, 9);
    expect(viewer.told).toEqual([]);
    expect(Math.abs(viewer.sent[0]!.length - 45 * 25)).toBeLessThanOrEqual(1);
  });
});
