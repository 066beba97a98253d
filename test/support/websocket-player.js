/**
 * Plays a movie's first track through Node's own WebSocket, which is a browser's: node --experimental-websocket this WS_URL RTSP_URL.
 * Prints what it saw as one line of JSON. Rule: a message is one answer, or whole interleaved frames.
 */
const [, , webSocketUrl, url] = process.argv;
const RTCP_GOODBYE = 203;

const seen = { protocol: '', statuses: [], packets: 0, payloadBytes: 0, close: [] };
const socket = new WebSocket(webSocketUrl, ['rtsp.onvif.org']);
socket.binaryType = 'arraybuffer';

const steps = [
  'DESCRIBE',
  'SETUP /trackID=1 Transport: RTP/AVP/TCP;unicast;interleaved=0-1',
  'PLAY',
  '', // the movie
  'TEARDOWN',
];
let session = '';
let cseq = 0;

function step() {
  const next = steps.shift();
  if (next === undefined) socket.close(1000);
  if (!next) return;
  const [method, path = '', ...header] = next.split(' ');
  const lines = [`${method} ${url}${path} RTSP/1.0`, `CSeq: ${++cseq}`];
  if (header.length > 0) lines.push(header.join(' '));
  if (session !== '') lines.push(`Session: ${session}`);
  socket.send(new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`));
}

function answered(text) {
  seen.statuses.push(Number(text.split(' ')[1]));
  session = /\r\nSession: ([^;\r]+)/.exec(text)?.[1] ?? session;
  step();
}

function framesArrived(bytes) {
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== 0x24) throw new Error(`no interleaved frame at ${at} of ${bytes.length}`);
    const [channel, length] = [bytes[at + 1], bytes.readUInt16BE(at + 2)];
    const payload = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    if (at > bytes.length) throw new Error('an interleaved frame goes beyond its message');
    if (channel === 0) {
      seen.packets++;
      seen.payloadBytes += length - 12;
    } else if (holdsGoodbye(payload)) step();
  }
}

function holdsGoodbye(compound) {
  for (let at = 0; at < compound.length; at += 4 + 4 * compound.readUInt16BE(at + 2))
    if (compound[at + 1] === RTCP_GOODBYE) return true;
  return false;
}

socket.onopen = () => {
  seen.protocol = socket.protocol;
  step();
};
socket.onmessage = ({ data }) => {
  const bytes = Buffer.from(data);
  if (bytes[0] === 0x24) framesArrived(bytes);
  else answered(bytes.toString('latin1'));
};
socket.onclose = ({ code, wasClean }) => {
  seen.close = [code, wasClean];
  console.log(JSON.stringify(seen));
};
