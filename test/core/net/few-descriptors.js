/** Run by tcp-listener.test.ts with few descriptors: a listener runs out of them, and hears again when there are some. */
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
let keeps = true;
const sink = {
  accepted: (fd) => {
    accepted.push(fd);
    if (!keeps) native.socketClose(fd);
  },
  isFull: () => false,
};
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
  listener.signal(core.TaskEvent.idle); // its second try, before its time, finds the same and says nothing
  await until(() => native.idleTimerCount() === 1);
  const waiting = clients.length - accepted.length;
  for (const fd of [...clients.splice(0, 10), ...accepted.splice(0)]) native.socketClose(fd);
  keeps = false;
  await until(() => accepted.length >= waiting); // all of them, also those that have left
  await thread.shutdown();
  for (const fd of clients) native.socketClose(fd);
  native.idleThreadStop();
  native.eventThreadStop();
  port.close();
  process.stdout.write(JSON.stringify({ lines, errors }));
}

main();
