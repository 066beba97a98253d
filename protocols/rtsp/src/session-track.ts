/** One track of a session: its transport, bound at SETUP, and the sender that uses it. Made and closed by the session. */
import type { Presentation, SocketAddress } from '@finch/core';
import {
  InterleavedTransport,
  payloadTypeOf,
  RtpSender,
  type RtpTransport,
  type RtpTransportEvents,
  retransmissionTypeOf,
  UdpTransport,
} from '@finch/rtp';
import { RtspError } from './errors';
import type { Transport, TransportPair } from './headers/transport';
import type { InterleavedChannels } from './interleaved-channels';
import type { SessionConnection } from './session-connection';
import type { SessionService } from './session-service';

/** A track that was set up. */
export interface SessionTrack {
  readonly trackId: number;
  /** Its control URL as the client wrote it, for RTP-Info. */
  readonly url: string;
  /** Its place in the presentation. */
  readonly place: number;
  readonly sender: RtpSender;
  /** The connection that carries it; undefined over UDP. */
  readonly interleavedOn: SessionConnection | undefined;
  /** Its channels there. */
  readonly channels: TransportPair | undefined;
  /** Ends the transport's claims. */
  readonly release: () => void;
}

interface BoundTransport {
  readonly transport: RtpTransport;
  /** What the answer says of it. */
  readonly answer: Partial<Transport>;
  readonly release: () => void;
}

/**
 * Binds the transport that the client chose, beside that of `old`: the same track as it was set up before, whose ports or
 * channels it may take over. 461, and nothing is changed, when they can't be had.
 */
export function bindTransport(
  service: SessionService,
  chosen: Transport,
  connection: SessionConnection,
  events: RtpTransportEvents,
  old: SessionTrack | undefined,
): BoundTransport {
  const own = old?.interleavedOn === connection ? old.channels : undefined;
  return chosen.lowerTransport === 'TCP'
    ? bindInterleaved(chosen.interleaved ?? own, connection, events, own)
    : bindUdp(service, chosen.clientPort!, connection, events);
}

/** Makes the sender of the track at `place` over a bound transport. */
export function makeSender(
  service: SessionService,
  presentation: Presentation,
  place: number,
  transport: RtpTransport,
  maxPayloadBytes: number,
): RtpSender {
  const cache = service.plans.of(presentation, place, maxPayloadBytes);
  const { track } = presentation.tracks[place]!;
  const retransmissionType = service.settings.retransmission === 'off' ? 0 : retransmissionTypeOf(place);
  return new RtpSender(track, payloadTypeOf(place), cache, transport, retransmissionType);
}

function bindInterleaved(
  wanted: TransportPair | undefined,
  { tcp, channels }: SessionConnection,
  events: RtpTransportEvents,
  own: TransportPair | undefined,
): BoundTransport {
  const { rtp, rtcp } = wanted ?? freePair(channels);
  const isTaken = (channel: number): boolean =>
    channels.isTaken(channel) && channel !== own?.rtp && channel !== own?.rtcp;
  if (isTaken(rtp) || isTaken(rtcp))
    throw new RtspError(
      'unsupportedTransport',
      `Transport: channels ${rtp}-${rtcp} are taken on this connection`,
    );
  const onRtp = (): void => {}; // players send nothing on it; it is taken all the same
  const onRtcp = (payload: Uint8Array): void => events.reportArrived(payload);
  channels.listenOn(rtp, onRtp);
  channels.listenOn(rtcp, onRtcp);
  return {
    transport: new InterleavedTransport(tcp, rtp, rtcp),
    answer: { interleaved: { rtp, rtcp } },
    release: () => {
      channels.leave(rtp, onRtp);
      channels.leave(rtcp, onRtcp);
    },
  };
}

function freePair(channels: InterleavedChannels): TransportPair {
  const channel = channels.freePair();
  if (channel < 0)
    throw new RtspError('unsupportedTransport', 'Transport: all channels of this connection are taken');
  return { rtp: channel, rtcp: channel + 1 };
}

function bindUdp(
  service: SessionService,
  ports: TransportPair,
  connection: SessionConnection,
  events: RtpTransportEvents,
): BoundTransport {
  const local: SocketAddress = connection.tcp.localAddress;
  if (local.isLinkLocal)
    throw new RtspError('unsupportedTransport', 'Transport: from a link-local address expected RTP/AVP/TCP');
  const pair = service.udpPairAt(local.withPort(0));
  const { peer } = connection;
  const transport = new UdpTransport(pair, peer.withPort(ports.rtp), peer.withPort(ports.rtcp), events);
  const { port } = pair.rtpAddress;
  return {
    transport,
    answer: { clientPort: ports, serverPort: { rtp: port, rtcp: port + 1 }, source: local.host },
    release: () => transport.close(),
  };
}
