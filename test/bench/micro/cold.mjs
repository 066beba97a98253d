/**
 * The turn of 1,000 RTP sessions without sockets: due timers, frames pulled, rows made for a batch that counts them.
 * All that Finch itself does for a packet; the rest is the kernel's.
 */
import { RegisteredPlan, TaskThread } from '@finch/core';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { VirtualHub } from '@finch/core/reactor/virtual/virtual-port';
import { FileProvider } from '@finch/file-vod/file-provider';
import { PacketPlan, RtpSender, RtpSession } from '@finch/rtp';
import { measure } from './harness.mjs';
import { index, planOf, segmentsOf } from './movie.mjs';

const SESSIONS = 1000;
const WINDOW_US = 5000;
const SECONDS = 8;
const STAGGER_US = 40;

let packets = 0;
const clock = new VirtualClock();
const thread = new TaskThread({
  clock,
  port: new VirtualHub().openPort(1),
  turnBudgetUs: 1e9,
  onError: (_task, error) => {
    throw error;
  },
});
const transport = {
  isFull: false,
  isLossy: true,
  sendRun: (run) => {
    packets += run.packetCount;
  },
  sendAgain: () => {},
  sendReport: () => {},
  close: () => {},
};
const presentation = { tracks: index.tracks, close: () => {} };
const caches = index.tracks.map(cacheOf);

for (let i = 0; i < SESSIONS; i++) {
  const session = new RtpSession(thread, {
    provider: new FileProvider(
      presentation,
      index.tracks.map((_, place) => place),
    ),
    senders: index.tracks.map(
      ({ track }, place) => new RtpSender(track, 96 + place, caches[place], transport),
    ),
    durationUs: index.durationUs,
    pacing: { windowUs: WINDOW_US, aheadUs: 0, overbufferRate: 1, overbufferUs: 0 },
    slowViewer: { isThinning: true, thinFromLoss: 0.3, maxQueueBytes: 8e6, maxQueueUs: 10e6 },
    cname: new TextEncoder().encode('bench'),
    events: {
      ended: () => {},
      rangeEnded: () => {},
      failed: () => {},
      stalled: () => {},
      qualityChanged: () => {},
    },
  });
  session.play(0);
  clock.advanceUs(STAGGER_US);
}


// Every plan is there at once, as for the second viewer of a movie.
function cacheOf(stored) {
  const segments = segmentsOf(stored);
  const planned = Array.from({ length: segments.length }, (_, segment) => ({
    plan: new PacketPlan(planOf(stored, segments, segment)),
    registered: new RegisteredPlan(segment + 1),
  }));
  return {
    segments,
    planOf: (segment) => planned[segment],
    enter: () => {},
    leave: () => {},
    wait: () => {},
    forget: () => {},
  };
}
const results = [];
for (const mb of [0.01, 8]) {
const thrash = new Float64Array((mb << 20) / 8 + 8);
let spent = 0;
let pk = 0;
for (let round = 0; round < 9; round++) {
  if (round === 3) { spent = 0; pk = packets; }
  for (let turn = 0; turn < (SECONDS * 1e6) / WINDOW_US; turn++) {
    thrash.fill(turn);
    clock.advanceUs(WINDOW_US);
    const t = process.cpuUsage();
    thread.turn();
    const u = process.cpuUsage(t); spent += u.user + u.system;
  }
}
results.push((spent * 1000 / (packets - pk)).toFixed(1));
}
console.log('warm, cold ns a packet', ...results);
