/** UDP where the server has no ports to send from, over sockets. Spec: RFC 2326 §11.3, §12.31, §12.39. */
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { type Answer, RtspClient } from '../../support/rtsp-client';

const UDP = 'RTP/AVP;unicast;client_port=45000-45001';
/** Local addresses that one thread has UDP sockets for. */
const MAX_UDP_PAIRS = 64;

let finch: FinchUnderTest;

beforeAll(async () => {
  finch = await startFinch({ hosts: ['0.0.0.0'] });
});
afterAll(() => finch.stop());

/** SETUP of one track from one of the machine's many loopback addresses to itself. */
async function setUpAt(place: number, transport: string): Promise<Answer> {
  const host = `127.0.1.${place}`;
  const client = await RtspClient.connect({ port: finch.port, host, localAddress: host });
  const url = `rtsp://${host}:${finch.port}/${SAMPLE}`;
  const { text } = await client.request('DESCRIBE', url);
  const track = /^m=[\s\S]*?^a=control:(\S+)/m.exec(text)![1];
  const answer = await client.request('SETUP', `${url}/${track}`, { Transport: transport });
  const session = answer.headers.get('Session')?.split(';')[0];
  if (session !== undefined) await client.request('TEARDOWN', url, { Session: session });
  await client.close();
  return answer;
}

it('offers after it are tried; none is 503 with Retry-After, and one line in the log', async () => {
  for (let place = 1; place <= MAX_UDP_PAIRS; place++) expect((await setUpAt(place, UDP)).status).toBe(200);
  const full = await setUpAt(MAX_UDP_PAIRS + 1, UDP);
  expect([full.status, full.text]).toEqual([
    503,
    expect.stringMatching(/^Transport: .*expected RTP\/AVP\/TCP/),
  ]);
  expect(Number(full.headers.get('Retry-After'))).toBeGreaterThan(0);
  const next = await setUpAt(MAX_UDP_PAIRS + 1, `${UDP},RTP/AVP/TCP;unicast`);
  expect([next.status, next.headers.get('Transport')]).toEqual([
    200,
    expect.stringContaining('interleaved=0-1'),
  ]);
  expect((await setUpAt(1, UDP)).status).toBe(200);
  expect(finch.log.filter(({ message }) => message.startsWith('no UDP from 127.0.1.65'))).not.toEqual([]);
});
