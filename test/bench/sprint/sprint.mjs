/**
 * A sprint: Finch and the floor send the same movie to the same sinks in virtual time, leg by leg in turn on one core.
 * Used by the CI form. Rule: legs are short and interleaved, so that a neighbour hurts both or one pair of many; counts are
 * the same on every machine, and costs are a ratio.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { native } from '@finch/native';
import { hasCommand } from '../../../scripts/requirements.mjs';
import { SEND_WINDOW_MS } from '../programs.mjs';
import { FLOOR, LIST } from '../workshop.mjs';

const FINCH = fileURLToPath(new URL('./finch.mjs', import.meta.url));
const ANY = Uint32Array.of(4, 0, 0, 0, 0, 0);
const LOOPBACK = Uint32Array.of(4, 0, 0x0100007f, 0, 0, 0);
/**
 * Some pictures of each viewer: after the other's leg the first of them are sent with cold caches. Over TCP no more than a
 * connection holds unread.
 */
const LEG_US = { udp: 400_000, tcp: 200_000 };
const WARM_UP_LEGS = 12;
/** On a machine that is very busy: no more legs than this by then. */
const ENOUGH_LEGS = 25;
const LIMIT_MS = 15_000;
const SINK_BYTES = 1 << 20;

/** Runs `legs` pairs, or fewer, over `transport` to `viewers`; the figures of both, leg by leg. */
export async function runSprint({ transport, viewers, legs }) {
  const sink = transport === 'udp' ? udpSink() : tcpSink();
  const numbers = [transport, viewers, sink.port, SEND_WINDOW_MS * 1000, LEG_US[transport]].map(String);
  const finch = startSprinter(process.execPath, ['--expose-gc', FINCH, ...numbers]);
  const floor = startSprinter(FLOOR, ['--sprint', ...numbers, LIST]);
  const results = { finch: [], floor: [] };
  try {
    for (const sprinter of [finch, floor]) {
      if ((await sprinter.line()) !== 'ready') throw new Error('a sprinter did not start');
    }
    const endMs = Date.now() + LIMIT_MS;
    for (let i = -WARM_UP_LEGS; i < (Date.now() < endMs ? legs : ENOUGH_LEGS); i++) {
      for (const [name, sprinter] of Object.entries({ finch, floor })) {
        const figures = JSON.parse(await sprinter.leg());
        sink.drain();
        if (i >= 0) results[name].push(figures);
      }
    }
  } finally {
    for (const sprinter of [finch, floor]) sprinter.stop();
    sink.close();
  }
  return results;
}

function startSprinter(command, args) {
  const isPinned = availableParallelism() >= 2 && hasCommand('taskset');
  const [program, ...rest] = isPinned ? ['taskset', '-c', '0', command, ...args] : [command, ...args];
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`a sprinter ended: ${command}`);
    return value;
  };
  const leg = () => {
    child.stdin.write('leg\n');
    return line();
  };
  return { line, leg, stop: () => child.kill() };
}

// One socket takes what goes to any address of 127/8, and drops it once it is full. Runs stay whole (UDP_GRO).
function udpSink() {
  const fd = native.udpBind(ANY, 0, 0);
  native.receiveOptions(fd, 0, true);
  return { port: portOf(fd), drain: () => {}, close: () => native.socketClose(fd) };
}

function tcpSink() {
  const listener = native.tcpListen(LOOPBACK, false);
  native.receiveOptions(listener, SINK_BYTES, false); // its connections have the same buffer
  const into = new Uint8Array(SINK_BYTES);
  const fds = [];
  const drain = () => {
    for (let fd = native.tcpAccept(listener, new Uint32Array(6)); fd >= 0; )
      fd = fds.push(fd) && native.tcpAccept(listener, new Uint32Array(6));
    for (const fd of fds) while (native.tcpReceive(fd, into) > 0);
  };
  const close = () => {
    for (const fd of [listener, ...fds]) native.socketClose(fd);
  };
  return { port: portOf(listener), drain, close };
}

function portOf(fd) {
  const words = new Uint32Array(6);
  native.socketName(fd, words);
  return words[1];
}
