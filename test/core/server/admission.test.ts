/** Who may connect: limits in all and per address, some surplus to hear of it, and no more. */
import { SocketAddress } from '@finch/core';
import { Admission, MAX_SURPLUS } from '@finch/core/server/admission';

const A = SocketAddress.of('192.0.2.1', 1000);
const B = SocketAddress.of('192.0.2.2', 1000);

describe('admission', () => {
  it('welcomes an address up to its limit, tells a few more, closes the rest', () => {
    const admission = new Admission({
      maxSurplus: MAX_SURPLUS,
      maxConnections: 1000,
      maxConnectionsPerAddress: 3,
    });
    const verdicts = Array.from({ length: 50 }, (_, i) => admission.arrived(A, i));
    expect(verdicts.slice(0, 4)).toEqual([undefined, undefined, undefined, 'address-full']);
    expect(verdicts.filter((verdict) => verdict === 'address-full').length).toBe(32);
    expect(verdicts.at(-1)).toBe('closed');
    expect(admission.arrived(B, 35)).toBeUndefined();
  });

  it('welcomes an address again when one of its connections has ended', () => {
    const admission = new Admission({
      maxSurplus: MAX_SURPLUS,
      maxConnections: 1000,
      maxConnectionsPerAddress: 1,
    });
    expect(admission.arrived(A, 0)).toBeUndefined();
    expect(admission.arrived(A.withPort(7), 1)).toBe('address-full');
    admission.left(A);
    admission.left(A);
    expect(admission.addresses).toBe(0);
    expect(admission.arrived(A, 0)).toBeUndefined();
  });

  it('tells the clients that come when the server is full, up to a number', () => {
    const admission = new Admission({
      maxSurplus: MAX_SURPLUS,
      maxConnections: 10,
      maxConnectionsPerAddress: 1000,
    });
    expect(admission.arrived(A, 9)).toBeUndefined();
    expect(admission.arrived(A, 10)).toBe('server-full');
    expect(admission.arrived(A, 10 + MAX_SURPLUS - 1)).toBe('server-full');
    expect(admission.arrived(A, 10 + MAX_SURPLUS)).toBe('closed');
  });

  it.each([
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::1', '::2', true],
  ])('counts %s and %s as one client: %s (RFC 6177 §2)', (first, second, isOne) => {
    const admission = new Admission({
      maxSurplus: MAX_SURPLUS,
      maxConnections: 10,
      maxConnectionsPerAddress: 1,
    });
    admission.arrived(SocketAddress.of(first, 1), 0);
    expect(admission.arrived(SocketAddress.of(second, 2), 1)).toBe(isOne ? 'address-full' : undefined);
  });
});
