/**
 * From the configuration to the settings of the RTSP module. Called by the composition root. Rule: every option that RTSP knows
 * has its place here, and means there what the option table says.
 */
import type { TlsIdentity } from '@finch/core';
import type { RtspSettings } from '@finch/rtsp';
import type { FinchConfig } from './config';

/** Makes the settings; `tls` is who the server is on RTSPS, undefined for a server without. */
export function rtspSettingsOf(config: FinchConfig, tls: TlsIdentity | undefined): RtspSettings {
  return {
    sessionTimeoutSeconds: config.sessionTimeoutSeconds,
    maxPacketBytes: config.maxPacketBytes,
    webOrigins: config.webOrigins,
    ...pacingOf(config),
    ...slowNetworksOf(config),
    ...limitsOf(config),
    ...(tls && { tls }),
  };
}

function pacingOf(config: FinchConfig) {
  const { sendWindowMs, sendAheadMs, udpSpreadMs, overbuffer, overbufferRate, overbufferSeconds } = config;
  return { sendWindowMs, sendAheadMs, udpSpreadMs, overbuffer, overbufferRate, overbufferSeconds };
}

function slowNetworksOf(config: FinchConfig) {
  const { thinning, thinLossPercent, retransmission, queueBytes, queueSeconds } = config;
  return { isThinning: thinning === 'on', thinLossPercent, retransmission, queueBytes, queueSeconds };
}

function limitsOf(config: FinchConfig) {
  const { maxSessionsPerConnection, maxConnectionsPerAddress, maxHeaderBytes, maxBodyBytes } = config;
  const { maxRequestsPerSecond, idleTimeoutSeconds, requestTimeoutSeconds } = config;
  return {
    maxSessionsPerConnection,
    maxSessionsPerAddress: maxConnectionsPerAddress,
    maxHeaderBytes,
    maxBodyBytes,
    maxRequestsPerSecond,
    idleTimeoutSeconds,
    requestTimeoutSeconds,
  };
}
