/**
 * Run by workers.test.ts in a process of its own: loads the addon in several workers at once and ends them in the
 * middle of what they do. Prints what is left at the end. The argument names what the workers do.
 */
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { native } = require('@finch/native');

const ROUNDS = 2;
const WORKERS = 6;
const LOOPBACK = Uint32Array.of(4, 0, 0x0100007f, 0, 0, 0);
const taskRef = (thread, slot) => thread * 2 ** 46 + 2 ** 22 + slot;

/** What a worker does until it is ended; each leaves everything open. */
const BEHAVIOURS = {
  // Signals the others and itself, sets timers, and is woken all the time.
  signals({ index }) {
    const into = new Uint32Array(3 * 64);
    const port = new native.SignalPort(index, () => {
      port.drain(into);
      for (let i = 1; i <= WORKERS; i++) native.signalTask(taskRef(i, i), 1);
      native.idleTimerSet(taskRef(index, 9), 100);
      port.wakeAt(native.nowUs() + 50);
    });
    port.wakeAt(0);
  },
  // Is ended inside the callback of a wake-up, which never returns.
  'busy callback'({ index }) {
    const port = new native.SignalPort(index, () => {
      parentPort.postMessage('busy');
      for (;;) native.signalTask(taskRef(index, 1), 1);
    });
    port.wakeAt(0);
  },
  // Throws out of the callback.
  'throwing callback'({ index }) {
    const port = new native.SignalPort(index, () => {
      throw new Error('thrown by the callback');
    });
    port.wakeAt(0);
  },
  // Leaves from inside the callback.
  'exit in callback'({ index }) {
    const port = new native.SignalPort(index, () => process.exit(7));
    port.wakeAt(0);
  },
  // Ends by itself, with everything open but the port.
  'end of work'({ index, path }) {
    const port = new native.SignalPort(index, () => {
      openThings(index, path);
      port.close();
    });
    port.wakeAt(0);
  },
  // Sends packets of plans that are never removed.
  sending({ index, path }) {
    const { flush } = openThings(index, path);
    const port = new native.SignalPort(index, () => {
      flush();
      port.wakeAt(0);
    });
    port.wakeAt(0);
  },
};

function openThings(index, path) {
  const file = native.fileOpen(path);
  const plan = new Uint32Array(8 + 4);
  plan.set([0x4e414c50, 0, 1, 32, 32, 48, 0, 0, 0, 0, 1000, 0]);
  const rows = new Uint32Array(16);
  const batch = new native.PacketBatch(rows, new Uint8Array(8), new Int32Array(2), new Float64Array(4));
  const handle = batch.addPlan(plan, file.id);
  native.fileClose(file.id);
  const socket = native.udpBind(LOOPBACK, 65536, 65536);
  const name = new Uint32Array(6);
  native.socketName(socket, name);
  const context = native.contextOpen(socket, taskRef(index, 3));
  native.contextArm(context, 3);
  return {
    flush() {
      rows.set([1, socket, handle, 0, 1, 5, 96 << 16, 0, 0, 0, ...name]);
      batch.flush(1);
      native.contextArm(context, 3);
    },
  };
}

function run(behaviour, path, index) {
  const worker = new Worker(__filename, { workerData: { behaviour, path, index } });
  const events = [];
  worker.on('error', (error) => events.push(error.message));
  const begun = new Promise((resolve) => worker.once('message', resolve));
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, events, begun, ended };
}

async function main(behaviour) {
  const folder = mkdtempSync(join(tmpdir(), 'finch-churn-'));
  const path = join(folder, 'movie');
  writeFileSync(path, Buffer.alloc(10_000));
  native.eventThreadStart();
  native.idleThreadStart();
  const seen = new Set();
  for (let round = 0; round < ROUNDS; round++) {
    const workers = Array.from({ length: WORKERS }, (_, i) => run(behaviour, path, i + 1));
    await Promise.all(workers.map(({ begun }) => begun));
    const endsByItself = ['throwing callback', 'exit in callback', 'end of work'].includes(behaviour);
    if (!endsByItself) for (const { worker } of workers) worker.terminate();
    for (const code of await Promise.all(workers.map(({ ended }) => ended))) seen.add(`exit code ${code}`);
    for (const { events } of workers) for (const event of events) seen.add(event);
  }
  native.idleThreadStop();
  const contexts = native.eventThreadStop() > 0;
  const answer = { seen: [...seen].sort(), files: native.fileCount(), contexts, left: native.contextCount() };
  rmSync(folder, { recursive: true });
  process.stdout.write(JSON.stringify(answer));
}

if (isMainThread) main(process.argv[2]);
else {
  BEHAVIOURS[workerData.behaviour](workerData);
  if (workerData.behaviour !== 'busy callback') parentPort.postMessage('begun');
}
