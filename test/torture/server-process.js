/**
 * The server of the torture suite, in a process of its own: so its memory and descriptors are its alone, and can be few.
 * Started by server-under-torture.ts. Speaks over the process's channel: { id, ask: 'inspect' | 'stop' }.
 */
const { readdirSync } = require('node:fs');
const { composeFinch, loadConfig } = require('@finch/server');

const MAX_LINES = 1000;
const lines = [];
const at = (level) => (message) => {
  if (level !== 'debug' && lines.length < MAX_LINES) lines.push(`${level}: ${message}`);
};
const log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
const loaded = loadConfig(['--port', '0', '--host', '127.0.0.1'], {});
const config = { ...loaded.config, ...JSON.parse(process.argv[2]) };
const server = composeFinch(config, log, (thread, error) => {
  process.send({ crash: `${thread} died: ${error.stack}` });
});

async function answer(ask) {
  if (ask === 'stop') return await server.stop();
  return {
    ...(await server.inspect()),
    descriptors: readdirSync('/proc/self/fd').length,
    residentBytes: process.memoryUsage.rss(),
    lines,
  };
}

process.on('message', async ({ id, ask }) => {
  process.send({ id, answer: await answer(ask) });
  if (ask === 'stop') process.disconnect();
});
process.on('disconnect', () => process.exit(0));
server.start().then(() => process.send({ port: server.addressesOf('rtsp')[0].port }));
