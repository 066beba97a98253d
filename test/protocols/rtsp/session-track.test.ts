/** Which of several offers a track is bound to, where a client on a real socket can't show it. Spec: RFC 2326 §12.39. */
import { SocketAddress, type StreamConnection } from '@finch/core';
import { RtspError } from '@finch/rtsp/errors';
import { parseTransport } from '@finch/rtsp/headers/transport';
import { InterleavedChannels } from '@finch/rtsp/interleaved-channels';
import type { SessionConnection } from '@finch/rtsp/session-connection';
import type { SessionService } from '@finch/rtsp/session-service';
import { bindFirst } from '@finch/rtsp/session-track';
import { rtspErrorOf } from './rtsp-error-of';

const UDP = 'RTP/AVP;unicast;client_port=5000-5001';

/** A connection to a link-local address of the server, which no UDP socket can be bound to without its link. */
function linkLocalConnection(): SessionConnection {
  return {
    peer: SocketAddress.of('fe80::2', 40_000),
    tcp: { localAddress: SocketAddress.of('fe80::1', 554) } as StreamConnection,
    channels: new InterleavedChannels(),
    sessions: new Set(),
    signal: () => {},
  };
}

function bind(
  offers: string,
  connection: SessionConnection,
  service: Partial<SessionService> = {},
): ReturnType<typeof bindFirst> {
  const events = { reportArrived: () => {}, sourceFailed: () => {} };
  return bindFirst(service as SessionService, parseTransport(offers), connection, events, undefined);
}

it('takes the next offer where UDP would go from a link-local address', () => {
  const connection = linkLocalConnection();
  const { answer, release } = bind(`${UDP},RTP/AVP/TCP;unicast;interleaved=4-5`, connection);
  expect(answer).toEqual({ interleaved: { rtp: 4, rtcp: 5 } });
  expect(connection.channels.isTaken(4)).toBe(true);
  release();
  expect(connection.channels.areFree).toBe(true);
});

it('says why the first offer is refused when none can be had: 461', () => {
  const connection = linkLocalConnection();
  connection.channels.listenOn(5, () => {});
  const error = rtspErrorOf(() => bind(`${UDP},RTP/AVP/TCP;unicast;interleaved=4-5`, connection));
  expect(error).toMatchObject({ status: 461, detail: expect.stringContaining('link-local') });
  expect(connection.channels.isTaken(4)).toBe(false);
});

describe('without a free UDP port', () => {
  const service: Pick<SessionService, 'udpPairAt'> = {
    udpPairAt: () => {
      throw new RtspError('serviceUnavailable', 'no UDP ports are free');
    },
  };
  const connection = (): SessionConnection => ({
    ...linkLocalConnection(),
    tcp: { localAddress: SocketAddress.of('192.0.2.1', 554) } as StreamConnection,
  });

  it('takes the next offer', () => {
    const { answer } = bind(`${UDP},RTP/AVP/TCP;unicast`, connection(), service);
    expect(answer).toEqual({ interleaved: { rtp: 0, rtcp: 1 } });
  });

  it.each([UDP, `RTP/AVP/TCP;unicast;interleaved=4-5,${UDP}`])(
    'and nothing else to be had is 503: it may be different soon (%s)',
    (offers) => {
      const taken = connection();
      taken.channels.listenOn(5, () => {});
      expect(rtspErrorOf(() => bind(offers, taken, service))).toMatchObject({ status: 503 });
    },
  );
});
