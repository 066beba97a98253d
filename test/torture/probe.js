/**
 * A module that looks into the threads of the server under torture: what their heaps hold, and which sessions a client has.
 * Loaded into it by server-process.js, which asks over a channel of the process: { ask, about }. Rule: it changes nothing.
 */
const { BroadcastChannel } = require('node:worker_threads');

/** The channel's name. */
exports.CHANNEL = 'finch torture probe';

exports.finchModule = {
  name: 'torture-probe',
  onTaskThread: ({ thread }) =>
    answer((ask, about) => (ask === 'heap' ? exports.heapBytes() : sessionsOf(thread, about))),
  onBlockingThread: () => answer((ask) => (ask === 'heap' ? exports.heapBytes() : [])),
};

/** What is alive in this thread's heap, in bytes. */
exports.heapBytes = () => {
  globalThis.gc();
  return process.memoryUsage().heapUsed;
};

function answer(find) {
  const channel = new BroadcastChannel(exports.CHANNEL);
  channel.onmessage = ({ data: { ask, about } }) => {
    if (ask !== undefined) channel.postMessage({ found: find(ask, about) });
  };
  channel.unref();
}

/** Ids of the sessions of a client's address: a client that resets a connection may never have learnt them. */
function sessionsOf(thread, address) {
  const sessions = [...thread.tasks()].filter(({ className }) => className === 'RtspSession');
  return sessions.filter(({ task }) => task.clientHost === address).map(({ task }) => task.id);
}
