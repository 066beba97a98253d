/**
 * The RTP and RTCP sockets of a task thread, shared by all of its UDP viewers: two neighbouring ports,
 * the even one for RTP (RFC 3550 §11). Called by RTP transports. Rule: RTP is sent and RTCP heard, so what comes to the RTP port
 * is dropped by the kernel; RTCP is handed to all who claimed the sender's address, so that nobody can claim it away from
 * another; anything else is counted and dropped. Thread: its own.
 */
import { native } from '@finch/native';
import { EventContext } from '../reactor/event-context';
import { kReadable, kWritable, TaskEvent } from '../reactor/events';
import { after, DELETE, PARK } from '../reactor/run-result';
import { Task } from '../reactor/task';
import type { TaskThread } from '../reactor/task-thread';
import { AddressHolders } from './address-holders';
import { errnoName } from './errno';
import type { PacketBatch } from './packet-batch';
import { type PacketRun, ROW_WORDS, writeUdpRun } from './packet-row';
import { RowBacklog } from './row-backlog';
import type { RefusedRow, RowOwner } from './row-owner';
import { RunSpreader } from './run-spreader';
import { ADDRESS_WORDS, SocketAddress } from './socket-address';
import type { UdpDestination } from './udp-destination';

/** Socket buffers asked for, in bytes; the kernel clamps them (net.core.wmem_max, rmem_max). */
const SEND_BUFFER_BYTES = 4 << 20;
const RECEIVE_BUFFER_BYTES = 1 << 20;
/** Ports tried for a free pair. */
const MAX_BIND_ATTEMPTS = 64;
const FIRST_PORT = 16384;
const LAST_PORT = 65534;
/** The longest RTCP packet taken; a longer one is cut by the kernel and so not valid. */
const MAX_DATAGRAM_BYTES = 2048;
const DATAGRAMS_PER_CALL = 32;
const US_PER_MS = 1000;
/** Rows kept while the socket is full; beyond it the oldest viewers' packets are lost as they would be in a queue. */
const MAX_WAITING_ROWS = 8192;

/** Hears the datagrams of the address it claimed. `bytes` is valid during the call only. */
export interface DatagramListener {
  datagram(bytes: Uint8Array, from: SocketAddress): void;
}

/** A task that owns an RTP and an RTCP socket; kill closes them. */
export class UdpPair extends Task implements RowOwner {
  readonly rtpAddress: SocketAddress;
  readonly #batch: PacketBatch;
  readonly #rtpFd: number;
  /** Tells when the RTP socket has room; while nothing waits it is not watched, or the kernel would look for who waits with every packet. */
  #room: EventContext | null = null;
  readonly #rtcp: EventContext;
  readonly #backlog = new RowBacklog();
  readonly #listeners = new AddressHolders<DatagramListener>();
  readonly #buffer = new Uint8Array(DATAGRAMS_PER_CALL * MAX_DATAGRAM_BYTES);
  readonly #rows = new Uint32Array(DATAGRAMS_PER_CALL * (1 + ADDRESS_WORDS));
  readonly #spreader: RunSpreader<UdpDestination> | null;
  /** Datagrams from addresses that nobody claimed. */
  strangers = 0;
  /** Rows dropped because too many waited for the socket. */
  droppedRows = 0;

  /**
   * Binds two neighbouring ports of `host`; throws Error when none of the ports tried is free. Long runs are spread over
   * `spreadMs`, unless that is 0 or the host is the loopback.
   */
  constructor(thread: TaskThread, batch: PacketBatch, host: SocketAddress, spreadMs = 0) {
    // Before the task joins its thread: nothing is left there when no port is free.
    const { rtpFd, rtcpFd, port } = bindPair(host);
    super(thread, 'core');
    this.rtpAddress = host.withPort(port);
    this.#batch = batch;
    const isSpread = spreadMs > 0 && !host.isLoopback;
    this.#spreader = isSpread ? new RunSpreader(spreadMs, (run, to) => this.#send(run, to)) : null;
    this.#rtpFd = rtpFd;
    this.#rtcp = new EventContext(rtcpFd, this.ref);
    this.#rtcp.arm(kReadable);
  }

  override get isPunctual(): boolean {
    return true;
  }

  /** Hands what comes from this address and port to `listener`, and to others who claim it, up to MAX_ADDRESS_HOLDERS. */
  claim(address: SocketAddress, listener: DatagramListener): void {
    this.#listeners.add(address, listener);
  }

  /** Ends a claim. */
  unclaim(address: SocketAddress, listener: DatagramListener): void {
    this.#listeners.remove(address, listener);
  }

  /** Number of claimed addresses. */
  get claims(): number {
    return this.#listeners.size;
  }

  /** Sends a run of RTP packets. Hot path. */
  sendRun(run: PacketRun, to: UdpDestination): void {
    if (this.#spreader === null) this.#send(run, to);
    else if (this.#spreader.send(run, to, this.thread.nowUs)) this.signal(TaskEvent.update);
  }

  /** Drops what still has to leave for a destination that has gone. */
  forget(to: UdpDestination): void {
    this.#spreader?.forget(to);
  }

  /**
   * Sends packets once more in the format of RFC 4588 §4; `originalSequence` is the first one's. Lost when the socket is
   * full: what it holds back is late enough.
   */
  sendAgain(run: PacketRun, originalSequence: number, to: UdpDestination): void {
    this.#batch.makeRoom();
    if (this.#backlog.length === 0) this.#batch.addUdpRunAgain(run, originalSequence, this.#rtpFd, to);
  }

  /** Sends one RTCP packet; lost when the socket is full, as reports may be. */
  sendReport(bytes: Uint8Array, to: SocketAddress): void {
    this.#batch.makeRoom(bytes.length);
    this.#batch.addDatagram(bytes, this.#rtcp.fd, to, this);
  }

  /** Keeps a row that the socket had no room for; destinations pass on what they are refused with -EAGAIN. */
  keep(refused: RefusedRow, to: UdpDestination): void {
    if (this.#backlog.length >= MAX_WAITING_ROWS) {
      this.droppedRows++;
      return;
    }
    this.#backlog.add(refused, to);
    this.#room ??= new EventContext(this.#rtpFd, this.ref);
    this.#room.arm(kWritable);
  }

  /** Part of RowOwner: a report was refused, and nobody waits for it. */
  rowRefused(_refused: RefusedRow): void {}

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    if (events & TaskEvent.write) this.#hasRoom();
    if (events & TaskEvent.read) this.#receive();
    const { nowUs } = this.thread;
    const nextUs = this.#spreader?.sendDue(nowUs) ?? Infinity;
    return nextUs === Infinity ? PARK : after((nextUs - nowUs) / US_PER_MS);
  }

  protected override onDeleted(): void {
    this.#batch.flush();
    this.#spreader?.clear();
    this.#backlog.clear();
    this.#listeners.clear();
    this.#room?.release();
    native.socketClose(this.#rtpFd);
    this.#rtcp.close();
  }

  #send(run: PacketRun, to: UdpDestination): void {
    this.#batch.makeRoom();
    if (this.#backlog.length === 0) {
      this.#batch.addUdpRun(run, this.#rtpFd, to);
      return;
    }
    const row = new Uint32Array(ROW_WORDS);
    writeUdpRun(row, 0, run, this.#rtpFd, to, to.noSegmentation);
    this.keep({ code: 0, row, plan: run.plan, rest: null }, to);
  }

  #hasRoom(): void {
    this.#room?.release();
    this.#room = null;
    this.#backlog.sendAgain(this.#batch);
  }

  // One call a turn: what is left is heard of again.
  #receive(): void {
    this.#rtcp.delivered(TaskEvent.read);
    const count = native.udpReceive(this.#rtcp.fd, this.#buffer, MAX_DATAGRAM_BYTES, this.#rows);
    for (let i = 0; i < count; i++) {
      const at = i * (1 + ADDRESS_WORDS);
      const from = SocketAddress.fromWords(this.#rows, at + 1);
      const listeners = this.#listeners.of(from);
      if (listeners.length === 0) this.strangers++;
      const begin = i * MAX_DATAGRAM_BYTES;
      for (const listener of listeners)
        listener.datagram(this.#buffer.subarray(begin, begin + this.#rows[at]!), from);
    }
    this.#rtcp.arm(kReadable);
  }
}

function bindPair(host: SocketAddress): { rtpFd: number; rtcpFd: number; port: number } {
  let result = 0;
  for (let attempt = 0; attempt < MAX_BIND_ATTEMPTS; attempt++) {
    const pairs = (LAST_PORT - FIRST_PORT) / 2;
    const port = FIRST_PORT + 2 * Math.floor(Math.random() * pairs);
    const rtpFd = native.udpBind(host.withPort(port).words, SEND_BUFFER_BYTES, RECEIVE_BUFFER_BYTES);
    if (rtpFd < 0) {
      result = rtpFd;
      continue;
    }
    const rtcpFd = native.udpBind(host.withPort(port + 1).words, SEND_BUFFER_BYTES, RECEIVE_BUFFER_BYTES);
    if (rtcpFd >= 0) {
      native.udpSendOnly(rtpFd);
      return { rtpFd, rtcpFd, port };
    }
    native.socketClose(rtpFd);
    result = rtcpFd;
  }
  throw new Error(`no free pair of UDP ports on ${host.host}: ${errnoName(result)}`);
}
