/** Blocksize, Bandwidth, x-Dynamic-Rate. Spec: RFC 2326 §12.6, §12.7. */
import {
  MIN_BLOCK_BYTES,
  parseBandwidth,
  parseBlocksize,
  parseDynamicRate,
  servedBlockBytes,
} from '@finch/rtsp/headers/delivery-wishes';
import { rtspErrorOf } from '../rtsp-error-of';

const MAX_BYTES = 1460;

describe.each([
  ['Blocksize', parseBlocksize],
  ['Bandwidth', parseBandwidth],
])('%s', (_, parse) => {
  it('is a number above 0', () => {
    expect([parse('1'), parse(' 1500 '), parse('2147483647')]).toEqual([1, 1500, 2147483647]);
  });

  it.each(['', '0', '-1', '1.5', '1e3', '0x10', '9'.repeat(40)])('%j is 400', (text) => {
    expect(rtspErrorOf(() => parse(text)).status).toBe(400);
  });
});

describe('servedBlockBytes()', () => {
  it('is never more than was asked for, unless that is too small, and never more than can be', () => {
    for (let wanted = 1; wanted < 3000; wanted++) {
      const served = servedBlockBytes(wanted, MAX_BYTES);
      expect(served).toBeLessThanOrEqual(Math.min(Math.max(wanted, MIN_BLOCK_BYTES), MAX_BYTES));
      expect(served).toBeGreaterThan(Math.min(wanted, MAX_BYTES) - 64);
    }
  });

  it('has few values: viewers share plans', () => {
    const sizes = Array.from({ length: 3000 }, (_, wanted) => servedBlockBytes(wanted, MAX_BYTES));
    expect(new Set(sizes).size).toBeLessThan(25);
  });
});

describe('x-Dynamic-Rate', () => {
  it.each([
    ['0', false],
    ['1', true],
    ['1;rtt=42', true],
  ])('%s', (text, isDynamic) => {
    expect(parseDynamicRate(text)).toBe(isDynamic);
  });

  it.each(['', '2', 'yes'])('%j is 400', (text) => {
    expect(rtspErrorOf(() => parseDynamicRate(text)).status).toBe(400);
  });
});
