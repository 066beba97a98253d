/**
 * The echo server of echo-task.ts as a CoroutineTask: a straight line that waits where it has to.
 * After a build: `node core/dist/examples/echo-coroutine.js 7000`, and `nc 127.0.0.1 7000` in another terminal.
 */
import * as core from '@finch/core';

class EchoConnection extends core.CoroutineTask implements core.StreamConnectionEvents {
  readonly #bytes = new Uint8Array(65_536);
  readonly #tcp: core.TcpConnection;

  constructor({ thread, batch }: core.SingleThread, fd: number) {
    super(thread);
    this.#tcp = new core.TcpConnection(fd, this.ref, batch, this);
    this.signal(core.TaskEvent.start);
  }

  protected *body(): core.CoroutineBody {
    for (;;) {
      const received = this.#tcp.receive(this.#bytes);
      if (received === -core.Errno.EAGAIN) {
        yield* core.readable(this.#tcp.context);
        continue;
      }
      if (received <= 0) return; // the end of the stream, or an error
      this.#tcp.send(this.#bytes.subarray(0, received));
      yield* core.sleep(0); // it leaves when this turn ends; then we know whether there was room
      while (this.#tcp.isFull) yield* core.until(core.TaskEvent.update);
    }
  }

  override run(events: number): number {
    this.#tcp.delivered(events); // sends what waits, and tells drained()
    return super.run(events);
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
const sink = { accepted: (fd: number) => void new EchoConnection(reactor, fd), isFull: () => false };
const listener = new core.TcpListener(reactor.thread, address, sink, console);
console.log(`echo listens on ${listener.address}`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void reactor.stop());
