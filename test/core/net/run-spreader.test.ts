/** Long runs of packets in bursts: nothing lost, nothing reordered, nothing late. */

import { type PacketRun, RegisteredPlan } from '@finch/core';
import { BURST_INTERVAL_MS, BURST_PACKETS, RunSpreader } from '@finch/core/net/run-spreader';
import fc from 'fast-check';

const SPREAD_MS = 20;

interface Sent {
  readonly atUs: number;
  readonly to: string;
  readonly first: number;
  readonly sequence: number;
  readonly packets: number;
}

class Rig {
  nowUs = 1_000_000;
  #nextUs = Infinity;
  readonly sent: Sent[] = [];
  readonly plan = new RegisteredPlan(1);
  readonly spreader = new RunSpreader<string>(SPREAD_MS, (run, to) =>
    this.sent.push({
      atUs: this.nowUs,
      to,
      first: run.firstPacket,
      sequence: run.sequence,
      packets: run.packetCount,
    }),
  );

  send(packetCount: number, to = 'a', sequence = 0): void {
    const run: PacketRun = {
      plan: this.plan,
      firstPacket: 0,
      packetCount,
      ssrc: 1,
      sequence,
      payloadType: 96,
      timestamp: 7,
    };
    if (this.spreader.send(run, to, this.nowUs)) this.#nextUs = this.spreader.sendDue(this.nowUs);
    expect({ firstPacket: run.firstPacket, packetCount: run.packetCount }).toEqual({
      firstPacket: 0,
      packetCount,
    });
  }

  get isWaiting(): boolean {
    return this.#nextUs < Infinity;
  }

  /** To the next burst. */
  pass(): void {
    if (!this.isWaiting) return;
    this.nowUs = this.#nextUs;
    this.#nextUs = this.spreader.sendDue(this.nowUs);
  }

  passAll(): void {
    while (this.isWaiting) this.pass();
  }
}

describe('a run', () => {
  it('of a burst or less leaves at once, and its plan is not held', () => {
    const rig = new Rig();
    rig.send(BURST_PACKETS);
    expect(rig.sent.map(({ packets }) => packets)).toEqual([BURST_PACKETS]);
    expect([rig.isWaiting, rig.plan.holders]).toEqual([false, 0]);
  });

  it('that is longer leaves burst by burst, its sequence numbers wrapping, its plan held meanwhile', () => {
    const rig = new Rig();
    rig.send(25, 'a', 65_530);
    expect([rig.isWaiting, rig.plan.holders]).toEqual([true, 1]);
    rig.passAll();
    expect(rig.sent.map(({ first, sequence, packets }) => [first, sequence, packets])).toEqual([
      [0, 65_530, 10],
      [10, 4, 10],
      [20, 14, 5],
    ]);
    expect(rig.plan.holders).toBe(0);
  });

  it('that is very long leaves within the spread, in larger bursts', () => {
    const rig = new Rig();
    rig.send(1000);
    rig.passAll();
    expect(rig.sent.at(-1)!.atUs - rig.sent[0]!.atUs).toBeLessThan(SPREAD_MS * 1000);
    expect(Math.max(...rig.sent.map(({ packets }) => packets))).toBe(100);
  });

  it('of a few bursts has them far apart, never closer than 2 ms', () => {
    const rig = new Rig();
    rig.send(32, 'a');
    rig.passAll();
    rig.send(200, 'b');
    rig.passAll();
    const gapsMs = (to: string) => {
      const timesUs = rig.sent.filter((row) => row.to === to).map(({ atUs }) => atUs);
      return timesUs.slice(1).map((atUs, i) => (atUs - timesUs[i]!) / 1000);
    };
    expect(gapsMs('a')).toEqual([5, 5, 5]);
    expect(gapsMs('b')).toEqual(new Array(9).fill(BURST_INTERVAL_MS));
  });

  it('that comes while another waits stays behind it, however short', () => {
    const rig = new Rig();
    rig.send(15, 'a', 0);
    rig.send(1, 'a', 15);
    rig.send(1, 'b', 0);
    expect(rig.sent.map(({ to, sequence }) => [to, sequence])).toEqual([
      ['a', 0],
      ['b', 0],
    ]);
    rig.pass();
    expect(rig.sent.slice(2).map(({ to, sequence, packets }) => [to, sequence, packets])).toEqual([
      ['a', 10, 5],
      ['a', 15, 1],
    ]);
    expect(rig.plan.holders).toBe(0);
  });

  it('leaves whole, in order and in time, whatever else does (property)', () => {
    const step = fc.oneof(
      fc.record({ packets: fc.integer({ min: 1, max: 300 }), to: fc.constantFrom('a', 'b', 'c') }),
      fc.constant('pass' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const rig = new Rig();
        const next = new Map<string, number>();
        let lastUs = rig.nowUs;
        for (const each of steps) {
          if (each === 'pass') rig.pass();
          else {
            const sequence = next.get(each.to) ?? 0;
            rig.send(each.packets, each.to, sequence);
            next.set(each.to, sequence + each.packets);
            lastUs = rig.nowUs;
          }
        }
        rig.passAll();
        expect(rig.nowUs - lastUs).toBeLessThanOrEqual(SPREAD_MS * 1000);
        for (const [to, end] of next) {
          let expected = 0;
          for (const row of rig.sent.filter((one) => one.to === to)) {
            expect(row.sequence).toBe(expected & 0xffff);
            expected += row.packets;
          }
          expect(expected).toBe(end);
        }
        expect(rig.plan.holders).toBe(0);
      }),
    );
  });
});

describe('what waits', () => {
  it('for a destination that has gone is dropped, and its plan is free', () => {
    const rig = new Rig();
    rig.send(30, 'a');
    rig.send(30, 'b');
    rig.spreader.forget('a');
    expect(rig.plan.holders).toBe(1);
    rig.passAll();
    expect(rig.sent.filter(({ to }) => to === 'a').length).toBe(1);
    expect(rig.sent.filter(({ to }) => to === 'b').length).toBe(3);
  });

  it('is dropped as a whole with the pair', () => {
    const rig = new Rig();
    rig.send(30, 'a');
    rig.send(30, 'b');
    rig.spreader.clear();
    rig.passAll();
    expect([rig.sent.length, rig.plan.holders]).toEqual([2, 0]);
  });
});
