/** What was sent lately is found again by its sequence number, modulo 2^16: RFC 4588 §4. */
import { RegisteredPlan } from '@finch/core';
import { type PacketPlan, type PlannedSegment, SentRuns } from '@finch/rtp';
import fc from 'fast-check';

function segment(handle = 1): PlannedSegment {
  return { plan: {} as PacketPlan, registered: new RegisteredPlan(handle), sizeBytes: 0 };
}

describe('what was sent', () => {
  it('is found in the stretch that it went with, over the wrap of sequence numbers (property)', () => {
    const stretch = fc.record({ packets: fc.integer({ min: 1, max: 500 }), firstPacket: fc.nat(1000) });
    fc.assert(
      fc.property(fc.nat(0xffff), fc.array(stretch, { minLength: 1, maxLength: 30 }), (start, stretches) => {
        const sent = new SentRuns();
        const planned = segment();
        const expected = new Map<number, number>();
        let sequence = start;
        for (const { packets, firstPacket } of stretches) {
          sent.begin(planned, firstPacket, sequence);
          for (let i = 0; i < packets; i++) expected.set((sequence + i) & 0xffff, firstPacket + i);
          sequence = (sequence + packets) & 0xffff;
        }
        for (const [number, packet] of expected) {
          expect(sent.find(number, sequence)).toBe(true);
          expect([sent.planned, sent.packet]).toEqual([planned, packet]);
        }
        expect(sent.find(sequence, sequence)).toBe(false);
        expect(sent.find((start - 1) & 0xffff, sequence)).toBe(false);
      }),
    );
  });

  it('is not found any more when its plan was given up, and lets go of that plan', () => {
    const sent = new SentRuns();
    const [old, kept] = [segment(1), segment(2)];
    sent.begin(old, 0, 100);
    old.registered.retired = true;
    expect(sent.find(100, 110)).toBe(false);
    sent.begin(kept, 0, 110);
    expect([sent.find(105, 120), sent.find(115, 120), sent.packet]).toEqual([false, true, 5]);
  });

  it('is forgotten after 32 stretches, and when the clock starts anew', () => {
    const sent = new SentRuns();
    const planned = segment();
    for (let i = 0; i < 33; i++) sent.begin(planned, i, i);
    expect([sent.find(0, 33), sent.find(1, 33)]).toEqual([false, true]);
    sent.clear();
    expect([sent.find(1, 33), sent.planned]).toEqual([false, null]);
  });
});
