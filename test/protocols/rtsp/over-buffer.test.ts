/**
 * Who is sent how much ahead of time: Darwin's over-buffering over TCP, none over plain UDP, none where the client says
 * `x-Dynamic-Rate: 0`, none to players whose clock is the arrival of packets.
 */
import { parseTransport } from '@finch/rtsp/headers/transport';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { TrackReceiver, ticksBetween, UdpReceiver, wallClockMs } from '../../support/rtp-receiver';
import { RtspClient } from '../../support/rtsp-client';

const AUDIO_HZ = 48_000;
const OVERBUFFER_S = 4;
/** A packet's sound and the window of sending. */
const SLACK_S = 0.25;
const HEARD_S = 9;
const TIMEOUT_MS = 60_000;
const VLC = 'LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)';

type Case = readonly [who: string, carrier: 'TCP' | 'UDP', headers: Record<string, string>, mostS: number];
const CASES: readonly Case[] = [
  ['anybody', 'TCP', {}, OVERBUFFER_S],
  ['anybody', 'UDP', {}, 0],
  ['who says x-Dynamic-Rate: 0', 'TCP', { 'x-Dynamic-Rate': '0' }, 0],
  ['GStreamer', 'TCP', { 'User-Agent': 'GStreamer/1.22.0' }, 0],
  ['VLC', 'TCP', { 'User-Agent': VLC }, 0],
  ['VLC that says x-Dynamic-Rate: 1', 'TCP', { 'User-Agent': VLC, 'x-Dynamic-Rate': '1' }, OVERBUFFER_S],
];

/**
 * Hears the first seconds of the sample; returns how far ahead of the movie's time its packets were at most, in seconds. It is
 * counted from the request on, so that a machine that is slow makes it less, never more.
 */
async function mostAheadS(
  finch: FinchUnderTest,
  carrier: 'TCP' | 'UDP',
  headers: Record<string, string>,
): Promise<number> {
  const client = await RtspClient.connect({ port: finch.port });
  const udp = carrier === 'UDP' ? await UdpReceiver.open('127.0.0.1') : undefined;
  try {
    const track = udp?.track ?? new TrackReceiver();
    const offer = udp?.transport ?? 'RTP/AVP/TCP;unicast';
    const url = finch.url(SAMPLE);
    const setUp = await client.request('SETUP', `${url}/trackID=2`, { Transport: offer, ...headers });
    const { interleaved } = parseTransport(setUp.headers.get('Transport')!)[0]!;
    if (interleaved) client.receive(track, interleaved.rtp);
    const askedMs = wallClockMs();
    await client.request('PLAY', url, { Session: setUp.headers.get('Session')!.split(';')[0]! });
    const mediaS = (timestamp: number) => ticksBetween(track.packets[0]!.timestamp, timestamp) / AUDIO_HZ;
    const isHeard = () => track.packets.length > 0 && mediaS(track.packets.at(-1)!.timestamp) >= HEARD_S;
    await track.until(isHeard, `${HEARD_S} s of sound`, TIMEOUT_MS);
    return Math.max(
      ...track.packets.map(({ timestamp, atMs }) => mediaS(timestamp) - (atMs - askedMs) / 1000),
    );
  } finally {
    udp?.close();
    await client.close();
  }
}

describe('over-buffering', () => {
  const aheadS: number[] = [];

  beforeAll(async () => {
    const finch = await startFinch({ overbufferSeconds: OVERBUFFER_S });
    try {
      aheadS.push(
        ...(await Promise.all(CASES.map(([, carrier, headers]) => mostAheadS(finch, carrier, headers)))),
      );
    } finally {
      await finch.stop();
    }
  }, TIMEOUT_MS);

  it.each(CASES.map(([who, carrier, , mostS], place) => [who, carrier, mostS, place] as const))(
    'fills %s over %s by %d s at most',
    (_who, _carrier, mostS, place) => {
      expect(aheadS[place]).toBeLessThanOrEqual(mostS + SLACK_S);
    },
  );

  it('fills who does not say otherwise', () => {
    expect(aheadS[0]).toBeGreaterThan(1);
    expect(aheadS[5]).toBeGreaterThan(1);
  });
});
