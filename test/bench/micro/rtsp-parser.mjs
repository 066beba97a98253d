/** The parser of an RTSP connection: the requests of a player that starts, and receiver reports between the channels. */
import { RtspStreamParser, writeRequest } from 'rtsp-stream-parser';
import { measure } from './harness.mjs';

const url = 'rtsp://127.0.0.1:8554/movie.mp4';
const agent = { 'User-Agent': 'bench' };
const requests = [
  { method: 'OPTIONS', url, headers: { CSeq: '1', ...agent } },
  { method: 'DESCRIBE', url, headers: { CSeq: '2', Accept: 'application/sdp', ...agent } },
  {
    method: 'SETUP',
    url,
    headers: { CSeq: '3', Transport: 'RTP/AVP;unicast;client_port=5000-5001', ...agent },
  },
  { method: 'PLAY', url, headers: { CSeq: '4', Session: '12345678', Range: 'npt=0.000-', ...agent } },
];
const stream = Buffer.concat(requests.map(writeRequest));
const report = Buffer.alloc(4 + 52);
report.set([0x24, 1, 0, 52]);
const reports = Buffer.concat(Array.from({ length: 64 }, () => report));
const parser = new RtspStreamParser();

measure('RTSP parser', 'request', () => readAll(stream, 5000));
measure('RTSP parser', 'interleaved frame', () => readAll(reports, 1000));

function readAll(bytes, times) {
  let messages = 0;
  for (let i = 0; i < times; i++) {
    parser.feed(bytes);
    while (parser.read() !== null) messages++;
  }
  return messages;
}
