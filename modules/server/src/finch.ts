/**
 * The composition root: the one place that knows which protocols and modules a Finch server is made of, and how the
 * configuration becomes their settings. Used by main and by tests. Rule: it joins parts and does nothing itself.
 */
import { realpathSync } from 'node:fs';
import { type ListenerSpec, type Log, type ModuleSpec, Server, SocketAddress } from '@finch/core';
import type { RtspSettings } from '@finch/rtsp';
import type { FinchConfig } from './config';

/** Makes a server out of a configuration; it starts with start(). `onCrash` hears when a thread died. */
export function composeFinch(
  config: FinchConfig,
  log: Log,
  onCrash: (thread: string, error: Error) => void,
): Server {
  return new Server({
    listeners: listenersOf(config),
    modules: modulesOf(config),
    taskThreads: config.threads,
    blockingThreads: config.blockingThreads,
    pinsTaskThreads: config.pinThreads === 'on',
    maxConnections: config.maxConnections,
    watchdogLimitMs: config.watchdogLimitMs,
    statisticsIntervalMs: config.statsIntervalSeconds * 1000,
    log,
    onCrash,
  });
}

function listenersOf({ host, port }: FinchConfig): ListenerSpec[] {
  return [{ service: 'rtsp', address: SocketAddress.of(host, port) }];
}

// In load order: the first module that claims a request serves it.
function modulesOf(config: FinchConfig): ModuleSpec[] {
  const { overbuffer, overbufferRate, overbufferSeconds, thinLossPercent, queueBytes, queueSeconds } = config;
  const { sessionTimeoutSeconds, maxPacketBytes, sendWindowMs, sendAheadMs, udpSpreadMs } = config;
  const rtsp: RtspSettings = {
    sessionTimeoutSeconds,
    maxPacketBytes,
    sendWindowMs,
    sendAheadMs,
    overbuffer,
    overbufferRate,
    overbufferSeconds,
    isThinning: config.thinning === 'on',
    thinLossPercent,
    retransmission: config.retransmission,
    queueBytes,
    queueSeconds,
    udpSpreadMs,
  };
  return [
    { path: require.resolve('@finch/rtp'), settings: {} },
    { path: require.resolve('@finch/rtsp'), settings: { ...rtsp } },
    { path: require.resolve('@finch/file-vod'), settings: { root: realpathSync(config.media) } },
  ];
}
