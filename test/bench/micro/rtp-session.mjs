/**
 * The turn of 1,000 RTP sessions without sockets: due timers, frames pulled, rows made for a batch that counts them.
 * All that Finch itself does for a packet; the rest is the kernel's.
 */
import { RegisteredPlan } from '@finch/core';
import { startCrowd, virtualThread } from './crowd.mjs';
import { measure } from './harness.mjs';

const SESSIONS = 1000;
const WINDOW_US = 2500;
const SECONDS = 4;

let packets = 0;
const machine = virtualThread();
const transport = {
  isFull: false,
  isLossy: true,
  sendRun: (run) => {
    packets += run.packetCount;
  },
  prefetch: () => 0,
  sendAgain: () => {},
  sendReport: () => {},
  close: () => {},
};
startCrowd(machine, {
  viewers: SESSIONS,
  windowUs: WINDOW_US,
  register: (_, segment) => new RegisteredPlan(segment + 1),
  transportOf: () => transport,
});

measure('RTP session', 'packet', () => {
  const before = packets;
  for (let turn = 0; turn < (SECONDS * 1e6) / WINDOW_US; turn++) machine.turn(WINDOW_US);
  return packets - before;
});
