/**
 * The server of the torture suite, in a process of its own: so its memory and descriptors are its alone, and can be few.
 * Started by server-under-torture.ts. Speaks over the process's channel: { id, ask, about }, with the asks of ANSWERS.
 */
const { readdirSync } = require('node:fs');
const { BroadcastChannel } = require('node:worker_threads');
const { composeFinch, loadConfig } = require('@finch/server');
const probe = require('./probe');

const MAX_LINES = 1000;
const lines = [];
const at = (level) => (message) => {
  if (level !== 'debug' && lines.length < MAX_LINES) lines.push(`${level}: ${message}`);
};
const log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
const loaded = loadConfig(['--port', '0', '--host', '127.0.0.1'], {});
const config = { ...loaded.config, ...JSON.parse(process.argv[2]) };
const onCrash = (thread, error) => process.send({ crash: `${thread} died: ${error.stack}` });
const server = composeFinch(config, log, onCrash, [{ path: require.resolve('./probe'), settings: {} }]);

const ANSWERS = {
  inspect: async () => ({ ...(await server.inspect()), descriptors: readdirSync('/proc/self/fd').length }),
  lines: () => lines,
  memory: async () => ({
    heapBytes: (await askThreads('heap')).reduce((sum, bytes) => sum + bytes, probe.heapBytes()),
    residentBytes: process.memoryUsage.rss(),
  }),
  sessions: async (address) => (await askThreads('sessions', address)).flat(),
  stop: async () => ({ left: await server.stop(), memory: (await server.inspect()).memory }),
};

/** Asks the probe on each thread; resolves with what all found. */
function askThreads(ask, about) {
  const channel = new BroadcastChannel(probe.CHANNEL);
  const found = [];
  return new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      if (data.found !== undefined) found.push(data.found);
      if (found.length < config.threads + config.blockingThreads) return;
      channel.close();
      resolve(found);
    };
    channel.postMessage({ ask, about });
  });
}

process.on('message', async ({ id, ask, about }) => {
  process.send({ id, answer: await ANSWERS[ask](about) });
  if (ask === 'stop') process.disconnect();
});
process.on('disconnect', () => process.exit(0));
server.start().then(() => {
  const portOf = (service) => server.addressesOf(service)[0]?.port ?? 0;
  process.send({ port: portOf('rtsp'), tlsPort: portOf('rtsps') });
});
