import { parseRtpPacket, RTP_HEADER_BYTES, writeRtpHeader } from '@finch/rtp/rtp-header';
import fc from 'fast-check';

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);
const FIXED = [96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];

describe('RTP header', () => {
  it('has the layout of RFC 3550 §5.1', () => {
    const target = new Uint8Array(14).fill(0xff);
    const header = {
      marker: true,
      payloadType: 97,
      sequenceNumber: 0x1234,
      timestamp: 0xdeadbeef,
      ssrc: 0x89abcdef,
    };
    expect(writeRtpHeader(target, 1, header)).toBe(RTP_HEADER_BYTES);
    expect(Buffer.from(target).toString('hex')).toBe(`ff${'80e11234deadbeef89abcdef'}ff`);
  });

  it('comes back from any values', () => {
    const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const headers = fc.record({
      marker: fc.boolean(),
      payloadType: fc.nat(127),
      sequenceNumber: fc.nat(65_535),
      timestamp: uint32,
      ssrc: uint32,
    });
    fc.assert(
      fc.property(headers, fc.nat(20), (header, payloadBytes) => {
        const packet = new Uint8Array(RTP_HEADER_BYTES + payloadBytes);
        writeRtpHeader(packet, 0, header);
        expect(parseRtpPacket(packet)).toEqual({ ...header, payloadOffset: 12, payloadBytes });
      }),
    );
  });

  it.each([
    ['contributing sources', [0x81, ...FIXED, 0, 0, 0, 9, 7, 7], 16, 2],
    ['a header extension (§5.3.1)', [0x90, ...FIXED, 0, 0, 0, 1, 0, 0, 0, 0, 7], 20, 1],
    ['padding', [0xa0, ...FIXED, 7, 0, 0, 3], 12, 1],
  ])('finds the payload behind or before %s', (_name, packet, payloadOffset, payloadBytes) => {
    expect(parseRtpPacket(bytesOf(...packet))).toMatchObject({ payloadOffset, payloadBytes });
  });

  it.each([
    ['too short', [0x80, ...FIXED.slice(1)]],
    ['version 1', [0x40, ...FIXED]],
    ['sources beyond the end', [0x82, ...FIXED, 0, 0, 0, 9]],
    ['extension header beyond the end', [0x90, ...FIXED, 0, 0]],
    ['extension beyond the end', [0x90, ...FIXED, 0, 0, 0, 9]],
    ['padding larger than the payload', [0xa0, ...FIXED, 0, 9]],
    ['padding of 0', [0xa0, ...FIXED, 7, 0]],
  ])('rejects a packet with %s', (_name, packet) => {
    expect(parseRtpPacket(bytesOf(...packet))).toBeNull();
  });

  it('never throws on noise and never names bytes outside the packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (packet) => {
        const parsed = parseRtpPacket(packet);
        expect(parsed === null || parsed.payloadOffset + parsed.payloadBytes <= packet.length).toBe(true);
      }),
    );
  });

  it('rejects a target without room', () => {
    const header = { marker: false, payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0 };
    expect(() => writeRtpHeader(new Uint8Array(12), 1, header)).toThrow(RangeError);
  });
});
