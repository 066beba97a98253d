/**
 * An echo server as a Task: each run does what can be done now and returns when to run again.
 * After a build: `node core/dist/examples/echo-task.js 7000`, and `nc 127.0.0.1 7000` in another terminal.
 */
import * as core from '@finch/core';

class EchoTask extends core.Task implements core.StreamConnectionEvents {
  readonly #bytes = new Uint8Array(65_536);
  readonly #tcp: core.TcpConnection;

  constructor({ thread, batch }: core.SingleThread, fd: number) {
    super(thread);
    this.#tcp = new core.TcpConnection(fd, this.ref, batch, this);
    this.signal(core.TaskEvent.start);
  }

  run(events: number): number {
    if (events & core.TaskEvent.kill) return core.DELETE;
    this.#tcp.delivered(events); // sends what waits, and tells drained()
    if (this.#tcp.isFull) return core.PARK;
    const received = this.#tcp.receive(this.#bytes);
    if (received > 0) {
      this.#tcp.send(this.#bytes.subarray(0, received));
      return core.AGAIN;
    }
    if (received !== -core.Errno.EAGAIN) return core.DELETE; // the end of the stream, or an error
    this.#tcp.context.arm(core.kReadable);
    return core.PARK;
  }

  drained(): void {
    this.signal(core.TaskEvent.update);
  }

  broken(): void {
    this.signal(core.TaskEvent.kill);
  }

  protected override onDeleted(): void {
    this.#tcp.close();
  }
}

const reactor = new core.SingleThread();
const address = core.SocketAddress.of('127.0.0.1', Number(process.argv[2] ?? 7000));
const sink = { accepted: (fd: number) => void new EchoTask(reactor, fd), isFull: () => false };
const listener = new core.TcpListener(reactor.thread, address, sink, console);
console.log(`echo listens on ${listener.address}`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void reactor.stop());
