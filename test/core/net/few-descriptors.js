/** Run by tcp-listener.test.ts with few descriptors: a listener runs out of them, sheds who waits, and hears again. */
const core = require('@finch/core');
const { native } = require('@finch/native');

const WAIT_MS = 8000;
const lines = [];
let errors = 0;
const log = { error: (message) => lines.push(message), warn() {}, info() {}, debug() {} };

native.eventThreadStart();
native.idleThreadStart();
const port = new core.NativePort(1, () => thread.turn());
const thread = new core.TaskThread({
  clock: core.monotonicClock,
  port,
  idleTimers: core.nativeIdleTimers,
  onError: () => errors++,
});
const accepted = [];
const sink = {
  accepted: (fd) => accepted.push(fd),
};
/** Whether the other side has closed a client's connection. */
const isClosed = (fd) => native.tcpReceive(fd, new Uint8Array(1)) === 0;
const listener = new core.TcpListener(thread, core.SocketAddress.of('127.0.0.1', 0), sink, log);

async function until(condition) {
  const end = Date.now() + WAIT_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function main() {
  const clients = [];
  // Each of ours takes a descriptor here, too: all but a few are used up, then the listener's are missing.
  for (let fd = 0; fd >= 0; ) {
    fd = native.tcpConnect(listener.address.words, null, 0);
    if (fd >= 0) clients.push(fd);
  }
  await until(() => lines.length > 0);
  await until(() => clients.filter(isClosed).length === clients.length - accepted.length);
  listener.signal(core.TaskEvent.idle); // before its time: nobody waits, and it says nothing
  for (const fd of [...clients.splice(0, 10), ...accepted.splice(0)]) native.socketClose(fd);
  clients.push(native.tcpConnect(listener.address.words, null, 0));
  await until(() => accepted.length === 1);
  await thread.shutdown();
  for (const fd of [...clients, ...accepted]) native.socketClose(fd);
  native.idleThreadStop();
  native.eventThreadStop();
  port.close();
  process.stdout.write(JSON.stringify({ lines, errors }));
}

main();
