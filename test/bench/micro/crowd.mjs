/**
 * Many viewers of the benchmark's movie on one task thread under a virtual clock: real sessions, senders and timers, over
 * transports of the caller's. Used by the micro benchmark of a session and by the sprint. Rule: every run of it does the
 * same work, turn by turn, on every machine; plans are there from the start, as for the second viewer of a movie.
 */
import { TaskThread } from '@finch/core';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { VirtualHub } from '@finch/core/reactor/virtual/virtual-port';
import { FileProvider } from '@finch/file-vod/file-provider';
import { PacketPlan, RtpSender, RtpSession } from '@finch/rtp';
import { index, planOf, segmentsOf } from './movie.mjs';

/** Between the starts of two viewers, so that no turn has all the frames. */
const STAGGER_US = 40;
const CNAME = new TextEncoder().encode('bench');
const SLOW_VIEWER = { isThinning: true, thinFromLoss: 0.3, maxQueueBytes: 8e6, maxQueueUs: 10e6 };
const SILENT = {
  ended: () => {},
  goesOn: () => false,
  rangeEnded: () => {},
  failed: () => {},
  stalled: () => {},
  qualityChanged: () => {},
  latenessThins: () => {},
};

/** A thread whose turns are made by hand. */
export function virtualThread() {
  const clock = new VirtualClock();
  const thread = new TaskThread({
    clock,
    port: new VirtualHub().openPort(1),
    turnBudgetUs: 1e9,
    onError: (_task, error) => {
      throw error;
    },
  });
  const turn = (byUs) => {
    clock.advanceUs(byUs);
    thread.turn();
  };
  return { clock, thread, turn };
}

/** Starts `viewers`; `register(memory)` makes a plan known to who sends it, `transportOf(viewer, track)` is the way there. */
export function startCrowd({ clock, thread }, { viewers, windowUs, register, transportOf }) {
  const presentation = { tracks: index.tracks, close: () => {} };
  const caches = index.tracks.map((stored) => cacheOf(stored, register));
  const pacing = { windowUs, aheadUs: 0, overbufferRate: 1, overbufferUs: 0, longWindowUs: windowUs };
  for (let viewer = 0; viewer < viewers; viewer++) {
    const places = index.tracks.map((_, place) => place);
    const session = new RtpSession(thread, {
      provider: new FileProvider(presentation, places),
      senders: index.tracks.map(
        ({ track }, place) => new RtpSender(track, 96 + place, caches[place], transportOf(viewer, place)),
      ),
      durationUs: index.durationUs,
      pacing,
      slowViewer: SLOW_VIEWER,
      cname: CNAME,
      events: SILENT,
    });
    session.play(0);
    clock.advanceUs(STAGGER_US);
  }
}

function cacheOf(stored, register) {
  const segments = segmentsOf(stored);
  const planned = Array.from({ length: segments.length }, (_, segment) => {
    const memory = planOf(stored, segments, segment);
    return { plan: new PacketPlan(memory), registered: register(memory, segment) };
  });
  return {
    segments,
    planOf: (segment) => planned[segment],
    enter: () => {},
    leave: () => {},
    wait: () => {},
    forget: () => {},
  };
}
