/**
 * Asks the server at the URL of its one argument what it offers beyond what RFC 2326 demands of all; prints a JSON array of
 * method names, and `RTSP over HTTP`. Run by subject.ts. Rule: a server that can't be reached is an error, one line of it.
 */
const { connect } = require('node:net');

const ANSWER_MS = 5000;
const TUNNEL = 'application/x-rtsp-tunnelled';
const url = new URL(process.argv[2]);
const to = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 554) };

/** The head of the answer to one message on a connection of its own; what there is of it when it takes too long. */
function answerTo(message) {
  return new Promise((resolve, reject) => {
    let head = '';
    const socket = connect(to, () => socket.write(message));
    const end = () => {
      socket.destroy();
      resolve(head);
    };
    socket.setTimeout(ANSWER_MS, end);
    socket.on('error', reject);
    socket.on('close', end);
    socket.on('data', (bytes) => {
      head += bytes.toString('latin1');
      if (head.includes('\r\n\r\n')) end();
    });
  });
}

async function ask() {
  const options = await answerTo(`OPTIONS ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
  if (!options.startsWith('RTSP/1.0 200'))
    throw new Error(`OPTIONS was answered by «${options}», expected 200`);
  const methods = (/^Public:(.*)$/im.exec(options)?.[1] ?? '').split(',').map((method) => method.trim());
  const get = `GET ${url.pathname} HTTP/1.0\r\nx-sessioncookie: ask${process.pid}\r\nAccept: ${TUNNEL}\r\n\r\n`;
  const tunnel = await answerTo(get);
  return /^HTTP\/1\.\d 200/.test(tunnel) && tunnel.includes(TUNNEL)
    ? [...methods, 'RTSP over HTTP']
    : methods;
}

ask().then(
  (offered) => process.stdout.write(JSON.stringify(offered)),
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
