/**
 * A viewer of a made-up movie on a virtual clock: an RTP session whose transport writes down what it is given. For tests of
 * what is sent when. Rule: time passes only in passMs(), so that every packet has its exact time.
 */
import { type PacketRun, RegisteredPlan, TaskThread } from '@finch/core';
import { StatsField } from '@finch/core/reactor/thread-stats';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { VirtualHub } from '@finch/core/reactor/virtual/virtual-port';
import { FileProvider } from '@finch/file-vod/file-provider';
import {
  buildPlan,
  type Pacing,
  PacketPlan,
  type PlanCache,
  type PlanWaiter,
  RtpSender,
  RtpSession,
  type RtpTransport,
  SegmentMap,
  type SlowViewer,
} from '@finch/rtp';
import { type MadeUpTrack, presentationOf } from '../../modules/file-vod/made-up-presentation';

/** One unit as it was sent. */
export interface SentUnit {
  readonly atMs: number;
  readonly timestamp: number;
  readonly sequence: number;
  readonly packets: number;
}

export interface VirtualViewerOptions {
  readonly tracks: readonly MadeUpTrack[];
  readonly durationUs: number;
  /** The bytes of frame `frame` of track `track`. */
  readonly frameBytes?: (track: number, frame: number) => Uint8Array;
  readonly pacing?: Partial<Pacing>;
  readonly slowViewer?: Partial<SlowViewer>;
  /** Whether its way loses packets, as UDP does. */
  readonly isLossy?: boolean;
}

const WINDOW_US = 1000;
const REAL_TIME: Pacing = {
  windowUs: WINDOW_US,
  aheadUs: 0,
  overbufferRate: 1,
  overbufferUs: 0,
  longWindowUs: WINDOW_US,
};
const SLOW_VIEWER: SlowViewer = {
  isThinning: true,
  thinFromLoss: 0.3,
  maxQueueBytes: 8_000_000,
  maxQueueUs: 10_000_000,
};

/** A session with its transports; see the head of this file. */
export class VirtualViewer {
  readonly sent: SentUnit[][];
  readonly reports: { readonly atMs: number; readonly bytes: Uint8Array }[][];
  readonly told: string[] = [];
  /** Packets that were sent again: their number at first, and what they went as. */
  readonly again: { readonly original: number; readonly run: PacketRun }[] = [];
  readonly session: RtpSession;
  /** Segments that are used, by track: which are asked for, and how often. */
  readonly used: Map<number, number>[];
  /** Whether plans are there when they are asked for. */
  hasPlans = true;
  /** Whether something follows the movie. */
  goesOn = false;
  /** Whether the viewer's socket takes nothing. */
  isFull = false;
  #room = Infinity;
  readonly #clock = new VirtualClock();
  readonly #thread: TaskThread;
  #waiting: PlanWaiter[] = [];

  constructor({ tracks, durationUs, frameBytes = bytesOf(tracks), ...options }: VirtualViewerOptions) {
    this.#thread = new TaskThread({
      clock: this.#clock,
      port: new VirtualHub().openPort(1),
      turnBudgetUs: 1e9,
      onError: (_task, error) => {
        throw error;
      },
    });
    const presentation = presentationOf(tracks);
    this.sent = tracks.map(() => []);
    this.reports = tracks.map(() => []);
    this.used = tracks.map(() => new Map());
    const senders = presentation.tracks.map(({ track, frames }, place) => {
      const bytes: Uint8Array[] = [];
      let offset = 0;
      for (let frame = 0; frame < frames.length; frame++) {
        bytes.push(frameBytes(place, frame));
        frames.offsets[frame] = offset;
        frames.sizes[frame] = bytes[frame]!.length;
        offset += bytes[frame]!.length;
      }
      const file = Buffer.concat(bytes);
      const segments = SegmentMap.of(frames, track.kind);
      const planned = Array.from({ length: segments.length }, (_, segment) => ({
        plan: new PacketPlan(
          buildPlan(
            {
              config: track.config,
              frames: frames.share(),
              firstFrame: segments.firstFrameOf(segment),
              frameCount: segments.frameCountOf(segment),
              maxPayloadBytes: 1400,
            },
            (position, length) => file.subarray(position, position + length),
          ),
        ),
        registered: new RegisteredPlan(segment + 1),
        sizeBytes: 0,
      }));
      return new RtpSender(
        track,
        96 + place,
        this.#cacheOf(place, segments, planned),
        this.#transport(place, options.isLossy ?? false),
        127 - place,
      );
    });
    this.session = new RtpSession(this.#thread, {
      provider: new FileProvider(
        presentation,
        tracks.map((_, place) => place),
      ),
      senders,
      durationUs,
      pacing: { ...REAL_TIME, ...options.pacing },
      slowViewer: { ...SLOW_VIEWER, ...options.slowViewer },
      cname: Buffer.from('test'),
      events: {
        goesOn: () => this.goesOn,
        ended: () => this.told.push('ended'),
        failed: (error) => this.told.push(`failed: ${error.message}`),
        rangeEnded: () => this.told.push('range ended'),
        stalled: (reason) => this.told.push(`stalled: ${reason}`),
        latenessThins: (quality) => this.told.push(`late ${quality}`),
        qualityChanged: (quality) => this.told.push(`quality ${quality}`),
      },
    });
  }

  get nowMs(): number {
    return this.#clock.nowUs() / 1000;
  }

  /** Runs of tasks so far. */
  get runs(): number {
    return this.#thread.stats.page[StatsField.runs]!;
  }

  /** Lets time pass, a window at a time, or at once as for a thread that hangs. */
  passMs(ms: number, isHanging = false): void {
    const steps = isHanging ? 1 : (ms * 1000) / WINDOW_US;
    for (let step = 0; step < steps; step++) {
      this.#clock.advanceUs(isHanging ? ms * 1000 : WINDOW_US);
      for (let turn = 0; turn < 20; turn++) this.#thread.turn();
    }
  }

  /** Does one turn of the thread, as soon as it may. */
  turn(): void {
    this.#clock.advanceUs(2);
    this.#thread.turn();
  }

  /** The viewer's socket takes so many packets more. */
  fullAfter(packets: number): void {
    this.isFull = false;
    this.#room = packets;
  }

  /** The plans that were waited for have come. */
  plansReady(): void {
    this.hasPlans = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) waiter.planReady();
  }

  #transport(track: number, isLossy: boolean): RtpTransport {
    const viewer = this;
    return {
      isLossy,
      prefetch: () => 0,
      sendAgain: (run, original) => this.again.push({ original, run: { ...run } }),
      get isFull() {
        return viewer.isFull;
      },
      sendRun: ({ timestamp, sequence, packetCount }) => {
        this.sent[track]!.push({ atMs: this.nowMs, timestamp, sequence, packets: packetCount });
        this.#room -= packetCount;
        if (this.#room <= 0) [this.isFull, this.#room] = [true, Infinity];
      },
      sendReport: (bytes) => this.reports[track]!.push({ atMs: this.nowMs, bytes: bytes.slice() }),
      close: () => {},
    };
  }

  #cacheOf(track: number, segments: SegmentMap, planned: ReturnType<PlanCache['planOf']>[]): PlanCache {
    const used = this.used[track]!;
    const count = (segment: number, by: number) => {
      const users = (used.get(segment) ?? 0) + by;
      if (users === 0) used.delete(segment);
      else used.set(segment, users);
    };
    const cache: Pick<PlanCache, 'segments' | 'enter' | 'leave' | 'planOf' | 'wait' | 'forget'> = {
      segments,
      enter: (segment) => count(segment, 1),
      leave: (segment) => count(segment, -1),
      planOf: (segment) => (this.hasPlans ? planned[segment]! : null),
      wait: (_segment, waiter) => this.#waiting.push(waiter),
      forget: () => {},
    };
    return cache as PlanCache;
  }
}

/** A slice of an H.264 picture behind its length; what the first byte says of it is up to `header`. */
export function sliceBytes(header: number, size = 40): Uint8Array {
  const bytes = Buffer.alloc(4 + size, 0x5a);
  bytes.writeUInt32BE(size);
  bytes[4] = header;
  return bytes;
}

/** Pictures that others refer to, and sound of which a packet holds one unit. */
function bytesOf(tracks: readonly MadeUpTrack[]): (track: number) => Uint8Array {
  const [picture, sound] = [sliceBytes(0x41), new Uint8Array(1000)];
  return (track) => (tracks[track]!.kind === 'video' ? picture : sound);
}
