/**
 * Opens the listeners of a service: several addresses, one port. Called by the server at its start.
 * Rule: all or none: who gets an error has nothing to close. Thread: the main one.
 */
import { Errno } from '../net/errno';
import { SocketAddress } from '../net/socket-address';
import { type ConnectionSink, ListenError, TcpListener } from '../net/tcp-listener';
import { TaskEvent } from '../reactor/events';
import type { TaskThread } from '../reactor/task-thread';
import type { Log } from './log';

/** Every address of the machine, of IPv6 and, unless IPv4 addresses are named beside it, of IPv4. */
const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';
/** Free ports tried: one that is free at the first address may be taken at another. */
const MAX_PORT_ATTEMPTS = 16;

/** A service and where it is listened for. */
export interface ListenerSpec {
  readonly service: string;
  /** IPv4 and IPv6 addresses, 1 or more. `::` is every address; where the machine has no IPv6, every IPv4 address. */
  readonly hosts: readonly string[];
  /** Of all of them; 0 takes one that is free at all of them. */
  readonly port: number;
  /** The option that names the port, for the error when it is taken; `--port` unless it is said. */
  readonly portFlag?: string;
}

/** Who gets what the listeners accept, and where they run. */
export interface ListenerHome {
  readonly thread: TaskThread;
  readonly sink: ConnectionSink;
  readonly log: Log;
}

/** Listens at all addresses of `spec`; throws ListenError when one can't be had. */
export function openListeners(spec: ListenerSpec, home: ListenerHome): TcpListener[] {
  for (let attempt = 1; ; attempt++) {
    try {
      return openAtOnePort(spec, home);
    } catch (error) {
      const isTaken = error instanceof ListenError && error.code === -Errno.EADDRINUSE;
      if (spec.port !== 0 || !isTaken || attempt === MAX_PORT_ATTEMPTS) throw error;
    }
  }
}

function openAtOnePort(spec: ListenerSpec, home: ListenerHome): TcpListener[] {
  const { hosts, port } = spec;
  const hasIpv4 = hosts.some((host) => !host.includes(':'));
  const opened: TcpListener[] = [];
  try {
    for (const host of new Set(hosts)) {
      const address = SocketAddress.of(host, opened[0]?.address.port ?? port);
      const isEvery = host === EVERY_ADDRESS && !hasIpv4;
      opened.push(isEvery ? openEvery(address, home, spec) : open(address, home, spec));
    }
    return opened;
  } catch (error) {
    for (const listener of opened) listener.signal(TaskEvent.kill);
    throw error;
  }
}

function openEvery(address: SocketAddress, home: ListenerHome, spec: ListenerSpec): TcpListener {
  try {
    return open(address, home, spec, true);
  } catch (error) {
    if (!(error instanceof ListenError) || !isWithoutIpv6(error.code)) throw error;
    home.log.info('this machine has no IPv6: listening on IPv4 addresses only');
    return open(SocketAddress.of(EVERY_IPV4_ADDRESS, address.port), home, spec);
  }
}

function isWithoutIpv6(code: number): boolean {
  return code === -Errno.EAFNOSUPPORT || code === -Errno.EADDRNOTAVAIL;
}

function open(
  address: SocketAddress,
  { thread, sink, log }: ListenerHome,
  { portFlag }: ListenerSpec,
  bothFamilies = false,
): TcpListener {
  return new TcpListener(thread, address, sink, log, { bothFamilies, portFlag });
}
