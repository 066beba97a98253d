import { ENOBUFS } from '@finch/rtp/errno';
import { byeNames, byeSourceCount, readByeReason } from '@finch/rtp/rtcp/bye';
import {
  CompoundCursor,
  validateCompound,
  writeByeCompound,
  writeReportCompound,
} from '@finch/rtp/rtcp/compound';
import {
  emptyReportBlock,
  readReceiverReportBlock,
  receiverReportBlockCount,
} from '@finch/rtp/rtcp/receiver-report';
import { RTCP_TYPE } from '@finch/rtp/rtcp/rtcp-header';
import { readCname } from '@finch/rtp/rtcp/sdes';
import { emptySenderReport, readSenderReport } from '@finch/rtp/rtcp/sender-report';
import fc from 'fast-check';

const REPORT = {
  ...emptySenderReport(),
  ssrc: 0xfeedbeef,
  ntpSeconds: 1,
  rtpTimestamp: 2,
  packetCount: 3,
  octetCount: 4,
};
const CNAME = Buffer.from('finch@host');
const RR = [0x80, 201, 0, 1, 0, 0, 0, 9];

function typesOf(bytes: Uint8Array, offset: number, length: number): number[] {
  const cursor = new CompoundCursor();
  const types: number[] = [];
  cursor.start(bytes, offset, length);
  while (cursor.next(bytes)) types.push(cursor.type);
  return types;
}

describe('RTCP compound', () => {
  it('holds SR then SDES with CNAME (RFC 3550 §6.1)', () => {
    const target = new Uint8Array(100);
    const length = writeReportCompound(target, 4, REPORT, CNAME);
    expect(typesOf(target, 4, length)).toEqual([RTCP_TYPE.senderReport, RTCP_TYPE.sourceDescription]);
    const read = emptySenderReport();
    expect(readSenderReport(target, 4, read)).toBe(0);
    expect(read).toEqual(REPORT);
    expect(readCname(target, 32, REPORT.ssrc)).toBe('finch@host');
  });

  it.each([
    ['a sender report', 3, RTCP_TYPE.senderReport],
    ['an empty receiver report when nothing was sent', 0, RTCP_TYPE.receiverReport],
  ])('ends with BYE after %s (§6.6)', (_name, packetCount, first) => {
    const target = new Uint8Array(100);
    const length = writeByeCompound(target, 0, { ...REPORT, packetCount }, CNAME);
    expect(typesOf(target, 0, length)).toEqual([first, RTCP_TYPE.sourceDescription, RTCP_TYPE.goodbye]);
    expect(byeNames(target, length - 8, REPORT.ssrc)).toBe(true);
  });

  it('says -ENOBUFS for every target that is too small', () => {
    const needed = writeByeCompound(new Uint8Array(100), 0, REPORT, CNAME);
    for (let size = 0; size < needed; size += 1)
      expect(writeByeCompound(new Uint8Array(size), 0, REPORT, CNAME)).toBe(-ENOBUFS);
    expect(writeByeCompound(new Uint8Array(needed), 0, REPORT, CNAME)).toBe(needed);
  });

  it.each([
    ['a lone receiver report', RR, 1],
    ['padding in the last packet', [...RR, 0xa0, 203, 0, 1, 0, 0, 0, 4], 2],
    ['nothing', [], -1],
    ['half a header', [0x80, 201, 0], -1],
    ['version 1', [0x40, ...RR.slice(1)], -1],
    ['a first packet that is no report (A.2)', [0x81, 203, 0, 1, 0, 0, 0, 9], -1],
    ['padding in the first packet (A.2)', [0xa0, 201, 0, 1, 0, 0, 0, 4], -1],
    ['a length beyond the end', [0x80, 201, 0, 2, 0, 0, 0, 9], -1],
    ['bytes left over', [...RR, 0x80], -1],
    ['version 0 in the second packet', [...RR, 0, 203, 0, 0], -1],
    ['padding before the last packet', [...RR, 0xa0, 203, 0, 1, 0, 0, 0, 4, ...RR], -1],
    ['padding larger than its packet', [...RR, 0xa0, 203, 0, 1, 0, 0, 0, 8], -1],
    ['padding of no whole words', [...RR, 0xa0, 203, 0, 1, 0, 0, 0, 3], -1],
  ])('counts the packets of, or rejects, %s', (_name, bytes, expected) => {
    expect(validateCompound(Uint8Array.from(bytes), 0, bytes.length)).toBe(expected);
  });

  it('never throws, hangs or walks outside on noise', () => {
    const block = emptyReportBlock();
    const report = emptySenderReport();
    const cursor = new CompoundCursor();
    const noise = fc.uint8Array({ maxLength: 120 });
    const anyType = fc.constantFrom(200, 201, 202, 203, 204, 205);
    const packet = fc
      .tuple(fc.nat(31), anyType, fc.nat(12))
      .chain(([count, type, words]) =>
        fc
          .uint8Array({ minLength: words * 4, maxLength: words * 4 })
          .map((body) => [0x80 | count, type, 0, words, ...body]),
      );
    const compound = fc
      .array(packet, { maxLength: 4 })
      .map((list) => Uint8Array.from([...RR, ...list.flat()]));
    fc.assert(
      fc.property(fc.oneof(noise, compound), (bytes) => {
        cursor.start(bytes, 0, bytes.length);
        while (cursor.next(bytes)) {
          expect(cursor.offset + 4).toBeLessThanOrEqual(bytes.length);
          const blocks = receiverReportBlockCount(bytes, cursor.offset);
          for (let index = 0; index < blocks; index += 1)
            readReceiverReportBlock(bytes, cursor.offset, index, block);
          readSenderReport(bytes, cursor.offset, report);
          readCname(bytes, cursor.offset, 9);
          byeSourceCount(bytes, cursor.offset);
          byeNames(bytes, cursor.offset, 9);
          readByeReason(bytes, cursor.offset);
        }
      }),
      { numRuns: 300 },
    );
  });
});
