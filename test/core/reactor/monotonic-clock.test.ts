/** The clock of the task threads beside the addon's: one clock, whoever reads it. */
import { Worker } from 'node:worker_threads';
import { monotonicClock } from '@finch/core/reactor/native-port';
import { native } from '@finch/native';

describe('the monotonic clock', () => {
  it('says what the addon says, in whole microseconds', () => {
    let closestUs = Infinity;
    for (let i = 0; i < 1000; i++) {
      const beforeUs = native.nowUs();
      const nowUs = monotonicClock.nowUs();
      const afterUs = native.nowUs();
      expect(Number.isInteger(nowUs)).toBe(true);
      // What comes between two readings, on a busy machine, makes the bracket wider and never narrower.
      expect(nowUs).toBeGreaterThanOrEqual(beforeUs - 50);
      expect(nowUs).toBeLessThanOrEqual(afterUs + 50);
      closestUs = Math.min(closestUs, Math.abs(nowUs - beforeUs));
    }
    expect(closestUs).toBeLessThan(50);
  });

  it('never goes back', () => {
    let lastUs = 0;
    for (let i = 0; i < 10_000; i++) {
      const nowUs = monotonicClock.nowUs();
      expect(nowUs >= lastUs).toBe(true);
      lastUs = nowUs;
    }
  });

  it('is the same in another thread, which began later', async () => {
    const source = `
      const { parentPort } = require('node:worker_threads');
      const { monotonicClock } = require(${JSON.stringify(require.resolve('@finch/core/reactor/native-port'))});
      parentPort.on('message', () => parentPort.postMessage(monotonicClock.nowUs()));
      parentPort.postMessage(0);`;
    const worker = new Worker(source, { eval: true });
    try {
      await new Promise((resolve) => worker.once('message', resolve));
      const beforeUs = monotonicClock.nowUs();
      const there = new Promise<number>((resolve) => worker.once('message', resolve));
      worker.postMessage('now');
      const thereUs = await there;
      expect(thereUs).toBeGreaterThanOrEqual(beforeUs - 50);
      expect(thereUs).toBeLessThanOrEqual(monotonicClock.nowUs() + 50);
    } finally {
      await worker.terminate();
    }
  });
});
