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
  /** Where its packets and reports go over UDP. */
  readonly destinations: readonly SocketAddress[];
  /** Its destinations are another session's: it has no way any more. */
  isDisplaced: boolean;
  /** Ends the transport's claims. */
  readonly release: () => void;
}

/** What the answer to SETUP says of where a track goes. */
export type BoundAnswer =
  | { readonly interleaved: TransportPair }
  | {
      readonly clientPort: TransportPair;
      readonly serverPort: TransportPair;
      readonly source: string;
    };

interface BoundTransport {
  /** The offer that it was made from. */
  readonly chosen: Transport;
  readonly transport: RtpTransport;
  /** What the answer says of it. */
  readonly answer: BoundAnswer;
  /** Where packets and reports go over UDP. */
  readonly destinations: readonly SocketAddress[];
  readonly release: () => void;
}

/**
 * Binds the first of the `offers` that can be had, beside the transport of `old`: the same track as it was set up before, whose
 * channels it may take over. When none can be had, the RtspError of the first that may be had later (503: no UDP port is free), or
 * else of the first (461: channels are taken); then nothing is changed.
 */
export function bindFirst(
  service: SessionService,
  offers: readonly Transport[],
  connection: SessionConnection,
  events: RtpTransportEvents,
  old: SessionTrack | undefined,
): BoundTransport {
  const own = old?.interleavedOn === connection ? old.channels : undefined;
  let refusal: RtspError | undefined;
  for (const offer of offers) {
    try {
      return offer.lowerTransport === 'TCP'
        ? bindInterleaved(offer, connection, events, own)
        : bindUdp(service, offer, connection, events);
    } catch (error) {
      if (!(error instanceof RtspError)) throw error;
      if (refusal === undefined || (error.status === 503 && refusal.status !== 503)) refusal = error;
    }
  }
  throw refusal!;
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
  chosen: Transport,
  { tcp, channels }: SessionConnection,
  events: RtpTransportEvents,
  own: TransportPair | undefined,
): BoundTransport {
  const { rtp, rtcp } = chosen.interleaved ?? own ?? freePair(channels);
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
    chosen,
    transport: new InterleavedTransport(tcp, rtp, rtcp),
    answer: { interleaved: { rtp, rtcp } },
    destinations: [],
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
  chosen: Transport,
  connection: SessionConnection,
  events: RtpTransportEvents,
): BoundTransport {
  const local: SocketAddress = connection.tcp.localAddress;
  if (local.isLinkLocal)
    throw new RtspError('unsupportedTransport', 'Transport: from a link-local address expected RTP/AVP/TCP');
  const pair = service.udpPairAt(local.withPort(0));
  const { peer } = connection;
  const ports = chosen.clientPort!;
  const [rtp, rtcp] = [peer.withPort(ports.rtp), peer.withPort(ports.rtcp)];
  const transport = new UdpTransport(pair, rtp, rtcp, events);
  const { port } = pair.rtpAddress;
  return {
    chosen,
    transport,
    answer: {
      clientPort: ports,
      serverPort: { rtp: port, rtcp: port + 1 },
      source: local.host,
    },
    destinations: [rtp, rtcp],
    release: () => transport.close(),
  };
}
