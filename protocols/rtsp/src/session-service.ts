/**
 * What a session uses of the RTSP service of its thread, which implements it. Rule: sessions know this and not the service, which
 * keeps them by id.
 */
import type { Log, SocketAddress, TaskThreadHost, UdpPair } from '@finch/core';
import type { PlanCaches, SlowViewer } from '@finch/rtp';
import type { Pacings, RtspSettings } from './rtsp-settings';
import type { UdpDestinations } from './udp-destinations';

/** The service of a task thread, as its sessions see it. */
export interface SessionService {
  readonly host: TaskThreadHost;
  readonly settings: RtspSettings;
  readonly log: Log;
  readonly plans: PlanCaches;
  /** How frames go to their viewers. */
  readonly pacings: Pacings;
  readonly slowViewer: SlowViewer;
  /** The canonical name of this sender in RTCP (RFC 3550 §6.5.1), UTF-8. */
  readonly cname: Uint8Array;
  readonly udpDestinations: UdpDestinations;
  /** The UDP sockets that viewers of this local address are served from. RtspError 503 when no port is free. */
  udpPairAt(local: SocketAddress): UdpPair;
  /** Forgets a session of `client` that has ended. */
  sessionEnded(id: string, client: SocketAddress): void;
}
