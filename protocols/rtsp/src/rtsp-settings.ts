/**
 * The settings of the RTSP module, and what its parts are told of them. Used by the service. Rule: what is missing or of a wrong
 * type stops the start; ranges are the option table's.
 */
import type { ModuleSettings, TlsIdentity } from '@finch/core';
import { longWindowOf, type Pacing, type SlowViewer } from '@finch/rtp';

const US_PER_MS = 1000;
const US_PER_S = 1_000_000;

/** The module's settings, checked by whoever configures it. */
export interface RtspSettings {
  /** What the Session header advertises, in seconds. */
  readonly sessionTimeoutSeconds: number;
  /** UDP payload of the largest packet, RTP header included. */
  readonly maxPacketBytes: number;
  readonly sendWindowMs: number;
  readonly sendAheadMs: number;
  readonly maxSessionsPerConnection: number;
  /** Of one client address on each task thread; of one /64 where that is IPv6. */
  readonly maxSessionsPerAddress: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
  /** Of one connection. */
  readonly maxRequestsPerSecond: number;
  /** For a connection without a session. */
  readonly idleTimeoutSeconds: number;
  /** For a request to end that has begun, and for a tunnel to get its other half. */
  readonly requestTimeoutSeconds: number;
  /** Where the player's buffer is filled ahead of time. */
  readonly overbuffer: 'tcp' | 'all' | 'off';
  /** How many times as fast as it is shown a movie is sent while the over-buffer fills, 1 or more. */
  readonly overbufferRate: number;
  readonly overbufferSeconds: number;
  readonly isThinning: boolean;
  /** Loss that thins, in percent. */
  readonly thinLossPercent: number;
  /** Whether lost packets are sent again, and whether RTP/AVPF is named to clients that need it for asking. */
  readonly retransmission: 'avp' | 'avpf' | 'off';
  /** Most that waits in memory for a viewer who can't keep up. */
  readonly queueBytes: number;
  /** How long a viewer may not keep up. */
  readonly queueSeconds: number;
  /** Over how long the packets of one frame are spread on a real network; 0: they leave at once. */
  readonly udpSpreadMs: number;
  /** Origins of the web pages that may open WebSockets, `*` for all. Programs that are no browsers have none, and may. */
  readonly webOrigins: readonly string[];
  /** Who the server is on RTSPS connections; without it there are none. */
  readonly tls?: TlsIdentity;
}

/** Checks what the configuration gave; TypeError naming the setting. */
export function checkedSettings(settings: ModuleSettings): RtspSettings {
  const number = (name: keyof RtspSettings): number => {
    const value = settings[name];
    if (typeof value !== 'number')
      throw new TypeError(`the RTSP module needs the setting "${name}", a number`);
    return value;
  };
  const flag = (name: keyof RtspSettings): boolean => {
    const value = settings[name];
    if (typeof value !== 'boolean')
      throw new TypeError(`the RTSP module needs the setting "${name}", true or false`);
    return value;
  };
  return {
    sessionTimeoutSeconds: number('sessionTimeoutSeconds'),
    maxPacketBytes: number('maxPacketBytes'),
    sendWindowMs: number('sendWindowMs'),
    sendAheadMs: number('sendAheadMs'),
    maxSessionsPerConnection: number('maxSessionsPerConnection'),
    maxSessionsPerAddress: number('maxSessionsPerAddress'),
    maxHeaderBytes: number('maxHeaderBytes'),
    maxBodyBytes: number('maxBodyBytes'),
    maxRequestsPerSecond: number('maxRequestsPerSecond'),
    idleTimeoutSeconds: number('idleTimeoutSeconds'),
    requestTimeoutSeconds: number('requestTimeoutSeconds'),
    overbuffer: overbufferOf(settings.overbuffer),
    overbufferRate: number('overbufferRate'),
    overbufferSeconds: number('overbufferSeconds'),
    isThinning: flag('isThinning'),
    thinLossPercent: number('thinLossPercent'),
    retransmission: retransmissionOf(settings.retransmission),
    queueBytes: number('queueBytes'),
    queueSeconds: number('queueSeconds'),
    udpSpreadMs: number('udpSpreadMs'),
    webOrigins: textsOf(settings.webOrigins),
    ...(settings.tls === undefined ? {} : { tls: checkedIdentity(settings.tls) }),
  };
}

/** How frames go over ways that lose packets, and over ways that don't. */
export interface Pacings {
  readonly lossy: Pacing;
  readonly reliable: Pacing;
}

/** The pacings that the settings ask for. */
export function pacingsOf(settings: RtspSettings): Pacings {
  const windowUs = settings.sendWindowMs * US_PER_MS;
  const overbufferUs = settings.overbufferSeconds * US_PER_S;
  const aheadUs = settings.sendAheadMs * US_PER_MS;
  const inTime = { windowUs, aheadUs, overbufferRate: 1, overbufferUs: 0, longWindowUs: windowUs };
  const filling = { ...inTime, overbufferRate: settings.overbufferRate, overbufferUs };
  // Bursts would lose packets where any are lost.
  const inBursts = { ...filling, longWindowUs: longWindowOf(windowUs, overbufferUs) };
  return {
    lossy: settings.overbuffer === 'all' ? filling : inTime,
    reliable: settings.overbuffer === 'off' ? inTime : inBursts,
  };
}

/** What becomes of viewers who can't keep up. */
export function slowViewerOf(settings: RtspSettings): SlowViewer {
  return {
    isThinning: settings.isThinning,
    thinFromLoss: settings.thinLossPercent / 100,
    maxQueueBytes: settings.queueBytes,
    maxQueueUs: settings.queueSeconds * US_PER_S,
  };
}

function checkedIdentity(value: unknown): TlsIdentity {
  const { certificate, key } = value as Partial<Record<keyof TlsIdentity, unknown>>;
  if (typeof certificate !== 'string' || typeof key !== 'string')
    throw new TypeError('the RTSP module needs "tls" with certificate and key, texts in PEM');
  return { certificate, key };
}

function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value;
  throw new TypeError('the RTSP module needs the setting "webOrigins", a list of texts');
}

function overbufferOf(value: unknown): RtspSettings['overbuffer'] {
  if (value === 'tcp' || value === 'all' || value === 'off') return value;
  throw new TypeError('the RTSP module needs the setting "overbuffer": tcp, all or off');
}

function retransmissionOf(value: unknown): RtspSettings['retransmission'] {
  if (value === 'avp' || value === 'avpf' || value === 'off') return value;
  throw new TypeError('the RTSP module needs the setting "retransmission": avp, avpf or off');
}
