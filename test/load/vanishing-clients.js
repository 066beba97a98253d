/**
 * Clients that will be gone without a word, run at the far end of a link by vanished-host.test.ts: one that plays over TCP, one with
 * a session over UDP, a silent one, and one over TCP that has set up and not played. Arguments: host, port, path. Says "ready".
 */
const { connect } = require('node:net');

const [host, port, path] = process.argv.slice(2);
const url = `rtsp://${host}:${port}/${path}`;
const TCP = 'RTP/AVP/TCP;unicast;interleaved=0-1';
const UDP = 'RTP/AVP;unicast;client_port=50000-50001';
let waiting = 4;

function join(transport, isPlaying) {
  const socket = connect(Number(port), host);
  let text = '';
  const ask = (method, to, header = '') =>
    socket.write(`${method} ${to} RTSP/1.0\r\nCSeq: 1\r\n${header}\r\n`);
  const seen = new Set();
  const once = (what, then) => {
    if (seen.has(what)) return;
    seen.add(what);
    then();
  };
  socket.on('connect', () => {
    if (transport === undefined) isReady();
    else ask('SETUP', `${url}/trackID=1`, `Transport: ${transport}\r\n`);
  });
  socket.on('data', (bytes) => {
    if (text.length < 10_000) text += bytes.toString('latin1');
    const session = /Session: ([^;\r]+)/.exec(text)?.[1];
    if (session === undefined) return;
    if (!isPlaying) once('set up', isReady);
    else once('set up', () => ask('PLAY', url, `Session: ${session}\r\n`));
    if (text.includes('RTP-Info')) once('playing', isReady);
  });
}

function isReady() {
  if (--waiting === 0) console.log('ready');
}

join(TCP, true);
join(UDP, false);
join(undefined, false);
join(TCP, false);
