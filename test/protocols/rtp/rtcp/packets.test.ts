import { ENOBUFS } from '@finch/rtp/errno';
import { byeNames, byeSourceCount, readByeReason, writeBye } from '@finch/rtp/rtcp/bye';
import {
  emptyReportBlock,
  readReceiverReportBlock,
  receiverReportBlockCount,
  writeReceiverReport,
} from '@finch/rtp/rtcp/receiver-report';
import { readCname, sourceDescriptionBytes, writeSourceDescription } from '@finch/rtp/rtcp/sdes';
import {
  emptySenderReport,
  readSenderReport,
  SENDER_REPORT_BYTES,
  writeSenderReport,
} from '@finch/rtp/rtcp/sender-report';
import fc from 'fast-check';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('sender report', () => {
  it('has the layout of RFC 3550 §6.4.1', () => {
    const target = new Uint8Array(SENDER_REPORT_BYTES);
    const report = { ssrc: 1, ntpSeconds: 2, ntpFraction: 3, rtpTimestamp: 4, packetCount: 5, octetCount: 6 };
    writeSenderReport(target, 0, report);
    const words = [1, 2, 3, 4, 5, 6].map((word) => word.toString(16).padStart(8, '0'));
    expect(Buffer.from(target).toString('hex')).toBe(`80c80006${words.join('')}`);
  });

  it('comes back from any values', () => {
    const reports = fc.record({
      ssrc: uint32,
      ntpSeconds: uint32,
      ntpFraction: uint32,
      rtpTimestamp: uint32,
      packetCount: uint32,
      octetCount: uint32,
    });
    fc.assert(
      fc.property(reports, (report) => {
        const target = new Uint8Array(40);
        const read = emptySenderReport();
        expect(writeSenderReport(target, 3, report)).toBe(SENDER_REPORT_BYTES);
        expect(readSenderReport(target, 3, read)).toBe(0);
        expect(read).toEqual(report);
      }),
    );
  });

  it('is malformed when its length has no room for its blocks', () => {
    const target = new Uint8Array(SENDER_REPORT_BYTES);
    writeSenderReport(target, 0, emptySenderReport());
    target[0] = 0x81;
    expect(readSenderReport(target, 0, emptySenderReport())).toBe(-1);
  });
});

describe('receiver report', () => {
  it('comes back from any blocks, with the loss signed (§6.4.1)', () => {
    const blocks = fc.array(
      fc.record({
        ssrc: uint32,
        fractionLost: fc.nat(255),
        cumulativeLost: fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
        highestSequence: uint32,
        jitterTicks: uint32,
        lastSr: uint32,
        delaySinceLastSr: uint32,
      }),
      { maxLength: 31 },
    );
    fc.assert(
      fc.property(blocks, (list) => {
        const target = new Uint8Array(800);
        expect(writeReceiverReport(target, 1, 9, list)).toBe(8 + list.length * 24);
        expect(receiverReportBlockCount(target, 1)).toBe(list.length);
        const read = emptyReportBlock();
        list.forEach((block, index) => {
          readReceiverReportBlock(target, 1, index, read);
          expect(read).toEqual(block);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('is malformed when its length has no room for its blocks', () => {
    expect(receiverReportBlockCount(Uint8Array.of(0x81, 201, 0, 1, 0, 0, 0, 9), 0)).toBe(-1);
  });

  it('takes at most 31 blocks', () => {
    const blocks = Array.from({ length: 32 }, emptyReportBlock);
    expect(() => writeReceiverReport(new Uint8Array(900), 0, 1, blocks)).toThrow(RangeError);
  });
});

describe('source description', () => {
  it.each([
    [0, 12],
    [1, 12],
    [2, 16],
    [5, 16],
    [6, 20],
  ])('ends a CNAME of %i bytes with a null octet and pads to a word (§6.5)', (cnameBytes, expected) => {
    const target = new Uint8Array(32).fill(0xff);
    const length = writeSourceDescription(target, 0, 7, Buffer.alloc(cnameBytes, 'x'));
    expect([length, sourceDescriptionBytes(cnameBytes)]).toEqual([expected, expected]);
    expect([...target.subarray(10 + cnameBytes, length)].every((byte) => byte === 0)).toBe(true);
    expect(target[length]).toBe(0xff);
    expect(readCname(target, 0, 7)).toBe('x'.repeat(cnameBytes));
  });

  it('finds the CNAME in the second chunk, behind other items', () => {
    const chunks = [0, 0, 0, 1, 1, 1, 97, 0, 0, 0, 0, 2, 2, 1, 98, 1, 1, 99, 0, 0];
    const bytes = Uint8Array.from([0x82, 202, 0, 5, ...chunks]);
    expect([1, 2, 3].map((ssrc) => readCname(bytes, 0, ssrc))).toEqual(['a', 'c', null]);
  });

  it('is malformed when an item leaves the packet', () => {
    expect(readCname(Uint8Array.of(0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 97, 0), 0, 1)).toBeNull();
  });

  it('takes a name of at most 255 bytes', () => {
    expect(() => writeSourceDescription(new Uint8Array(400), 0, 1, Buffer.alloc(256))).toThrow(RangeError);
  });
});

describe('goodbye', () => {
  it('names its source (§6.6)', () => {
    const target = new Uint8Array(8);
    expect(writeBye(target, 0, 0xfffffffe)).toBe(8);
    expect([byeNames(target, 0, 0xfffffffe), byeNames(target, 0, 1), readByeReason(target, 0)]).toEqual([
      true,
      false,
      null,
    ]);
    expect(writeBye(target, 1, 1)).toBe(-ENOBUFS);
  });

  it('may tell a reason', () => {
    const bytes = Uint8Array.from([0x82, 203, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 3, 101, 110, 100]);
    expect([byeSourceCount(bytes, 0), byeNames(bytes, 0, 2), readByeReason(bytes, 0)]).toEqual([
      2,
      true,
      'end',
    ]);
  });

  it.each([
    ['more sources than it has room for', [0x83, 203, 0, 1, 0, 0, 0, 1]],
    ['a reason that leaves the packet', [0x80, 203, 0, 1, 9, 101, 110, 100]],
  ])('is malformed with %s', (_name, bytes) => {
    const packet = Uint8Array.from(bytes);
    expect([byeNames(packet, 0, 1), readByeReason(packet, 0)]).toEqual([false, null]);
  });
});
