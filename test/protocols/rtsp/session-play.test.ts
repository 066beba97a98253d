/**
 * Playing, seeking, pausing and ending, as the packets tell it. Each viewer is compared with what the answers promised.
 * Spec: RFC 2326 §10.5-§10.7, §12.29, §12.33, appendix B; RFC 3550 §5.1, §6.4, §6.6; RFC 6184 §5.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatUtcTime } from '@finch/rtsp/headers/utc-time';
import { SAMPLE_FOLDER } from '@finch/server/config/index';
import { eventually } from '../../support/deadline';
import { nalUnitsOf } from '../../support/depacketize';
import { type FinchUnderTest, SAMPLE, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { nalUnitOfFrame, putMovie, type ShortMovie } from '../../support/movies';
import { type ReceivedPacket, type TrackReceiver, ticksBetween } from '../../support/rtp-receiver';
import { type Carrier, Viewer } from '../../support/viewer';

const VIDEO_HZ = 90_000;
const AUDIO_HZ = 48_000;
jest.setTimeout(20_000);

const CARRIERS: Carrier[] = ['UDP', 'TCP'];
const SHORT: ShortMovie = { frames: 20, framesPerSecond: 25, keyEvery: 10 };
const SHORT_SECONDS = SHORT.frames / SHORT.framesPerSecond;

const folder = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(async () => {
  putMovie(folder.path, 'short.mp4', SHORT);
  copyFileSync(join(SAMPLE_FOLDER, SAMPLE), join(folder.path, SAMPLE));
  finch = await startFinch({ media: folder.path, overbuffer: 'off' });
});
afterAll(async () => {
  await finch.stop();
  folder.remove();
});

/** Whether an access unit can start here: an IDR slice, or the parameter sets in front of one. */
function startsAtKeyFrame({ payload }: ReceivedPacket): boolean {
  const type = payload[0]! & 0x1f;
  if (type === 28) return (payload[1]! & 0x80) !== 0 && (payload[1]! & 0x1f) === 5;
  return [5, 7, 24].includes(type);
}

/** The bytes of the video track again, NAL unit by NAL unit. */
function nalUnitsReceived(track: TrackReceiver): Buffer[] {
  const byTimestamp = new Map<number, ReceivedPacket[]>();
  for (const packet of track.packets)
    byTimestamp.set(packet.timestamp, [...(byTimestamp.get(packet.timestamp) ?? []), packet]);
  return [...byTimestamp.values()].flatMap((packets) => nalUnitsOf(packets));
}

/** A test that runs over UDP and over TCP side by side: what takes its time is the movie. */
function itOverBoth(name: string, movie: string, body: (viewer: Viewer) => Promise<void>): void {
  it(name, async () => {
    const outcomes = await Promise.allSettled(
      CARRIERS.map(async (carrier) => {
        const viewer = await Viewer.open(finch, { carrier, movie });
        await body(viewer).finally(() => viewer.close());
      }),
    );
    const failed = outcomes.findIndex(({ status }) => status === 'rejected');
    if (failed < 0) return;
    const { reason } = outcomes[failed] as PromiseRejectedResult;
    reason.message = `over ${CARRIERS[failed]}: ${reason.message}`;
    throw reason;
  });
}

describe('a viewer', () => {
  itOverBoth(
    'hears the first sequence number and the timestamp of the start (RFC 2326 §12.33)',
    SAMPLE,
    async (viewer) => {
      const { tracks } = viewer;
      const answer = await viewer.play('npt=0-');
      expect(answer.startSeconds).toBe(0);
      expect(answer.endSeconds).toBeGreaterThanOrEqual(24);
      await Promise.all(tracks.map((track) => track.packetsArrived(3)));
      expect(tracks.map(({ packets }) => packets[0]!.sequenceNumber)).toEqual(answer.sequenceNumbers);
      expect(tracks.map(({ packets }) => packets[0]!.payloadType)).toEqual([96, 97]);
      expect(tracks.map(({ packets }) => packets[0]!.ssrc)).toEqual(
        viewer.transports.map(({ ssrc }) => ssrc),
      );
      expect(ticksBetween(answer.rtpTicks[0]!, tracks[0]!.packets[0]!.timestamp)).toBe(0);
      const audioTicks = ticksBetween(answer.rtpTicks[1]!, tracks[1]!.packets[0]!.timestamp);
      expect(Math.abs(audioTicks)).toBeLessThanOrEqual(2048);
      for (const track of tracks) track.expectContiguous();
    },
  );

  itOverBoth(
    'gets every byte of a movie in order, and BYE on every track at its end (RFC 3550 §6.6)',
    'short.mp4',
    async (viewer) => {
      const { tracks } = viewer;
      await viewer.play();
      await Promise.all(tracks.map((track) => track.byeArrived()));
      for (const track of tracks) track.expectContiguous();
      const sent = Array.from({ length: SHORT.frames }, (_, frame) => nalUnitOfFrame(frame, SHORT));
      const slices = nalUnitsReceived(tracks[0]!).filter((nal) => [1, 5].includes(nal[0]! & 0x1f));
      expect(slices.length).toBe(SHORT.frames);
      expect(Buffer.concat(slices).equals(Buffer.concat(sent))).toBe(true);
      expect(viewer.tracks[0]!.timestampsFromFirst()).toEqual(
        sent.map((_, frame) => frame * (VIDEO_HZ / 25)),
      );
    },
  );

  itOverBoth(
    'can play again after the end, from the start, with numbers that run on (RFC 2326 appendix B)',
    'short.mp4',
    async (viewer) => {
      const { tracks } = viewer;
      await viewer.play('npt=0.5-');
      await Promise.all(tracks.map((track) => track.byeArrived()));
      const counts = tracks.map(({ packets }) => packets.length);
      const again = await viewer.play();
      expect(again.startSeconds).toBe(0);
      await Promise.all(tracks.map((track) => track.byeArrived(2)));
      tracks.forEach((track, i) => {
        track.expectContiguous();
        expect(track.packets[counts[i]!]!.sequenceNumber).toBe(again.sequenceNumbers[i]);
        expect(ticksBetween(again.rtpTicks[i]!, track.packets[counts[i]!]!.timestamp)).toBe(0);
      });
    },
  );

  itOverBoth(
    'who seeks while playing starts at a key frame at or before (RFC 2326 §10.5)',
    SAMPLE,
    async (viewer) => {
      const { tracks } = viewer;
      await viewer.play();
      await tracks[0]!.packetsArrived(10);
      const answer = await viewer.play('npt=13.7-');
      const arrived = () => tracks[0]!.packets.find((p) => p.sequenceNumber === answer.sequenceNumbers[0]);
      const first = await tracks[0]!.until(arrived, 'the first packet of the new position');
      expect(answer.startSeconds).toBeLessThanOrEqual(13.7);
      expect(answer.startSeconds).toBeGreaterThan(13.7 - 3);
      expect(startsAtKeyFrame(first)).toBe(true);
      expect(first.timestamp).toBe(answer.rtpTicks[0]);
      for (const track of tracks) track.expectContiguous();
    },
  );

  itOverBoth(
    'who seeks gets timestamps that run on as if nothing had happened (RFC 2326 appendix B)',
    SAMPLE,
    async (viewer) => {
      const { tracks } = viewer;
      await viewer.play('npt=2-');
      await tracks[0]!.packetsArrived(10);
      for (const range of ['npt=20-', 'npt=0-', 'npt=11.5-']) {
        const answer = await viewer.play(range);
        for (const [i, hz] of [VIDEO_HZ, AUDIO_HZ].entries()) {
          const { packets } = tracks[i]!;
          const at = await tracks[i]!.until(() => {
            const place = packets.findIndex((p) => p.sequenceNumber === answer.sequenceNumbers[i]);
            return place >= 0 && { place };
          }, 'the new position');
          const jump = ticksBetween(packets[at.place - 1]!.timestamp, packets[at.place]!.timestamp) / hz;
          // B-frames: presentation times of neighbours in decode order differ by a few frames either way.
          expect(Math.abs(jump)).toBeLessThan(0.25);
        }
        await tracks[0]!.morePackets(5);
      }
    },
  );

  itOverBoth('who pauses and goes on loses nothing (RFC 2326 §10.6)', 'short.mp4', async (viewer) => {
    const { tracks } = viewer;
    await viewer.play();
    for (let pauses = 0; pauses < 4; pauses++) {
      await tracks[0]!.morePackets(3);
      const position = await viewer.pause();
      const { startSeconds } = await viewer.play();
      expect(startSeconds).toBe(position);
    }
    await Promise.all(tracks.map((track) => track.byeArrived()));
    for (const track of tracks) track.expectContiguous();
    const frames = Array.from({ length: SHORT.frames }, (_, frame) => frame * (VIDEO_HZ / 25));
    expect(tracks[0]!.timestampsFromFirst()).toEqual(frames);
    const units = Math.floor((SHORT_SECONDS * AUDIO_HZ) / 1024);
    expect(tracks[1]!.timestampsFromFirst().at(-1)).toBeLessThan(units * 1024);
    expect(tracks[1]!.timestampsFromFirst().every((ticks) => ticks % 1024 === 0)).toBe(true);
    const auBytes = tracks[1]!.packets.reduce((sum, { payload }) => sum + payload.length - 2, 0);
    expect(auBytes).toBe(units * (200 + 2)); // RFC 3640 §3.2.1: AU-headers-length once, an AU-header each
  });

  itOverBoth(
    'who seeks while paused starts there when he plays on (RFC 2326 §10.5)',
    SAMPLE,
    async (viewer) => {
      const { tracks } = viewer;
      await viewer.play();
      await tracks[0]!.packetsArrived(10);
      await viewer.pause();
      const answer = await viewer.play('npt=18-');
      expect(answer.startSeconds).toBeLessThanOrEqual(18);
      expect(answer.startSeconds).toBeGreaterThan(15);
      const first = await tracks[0]!.until(
        () => tracks[0]!.packets.find((p) => p.sequenceNumber === answer.sequenceNumbers[0]),
        'the first packet of the new position',
      );
      expect(startsAtKeyFrame(first)).toBe(true);
      for (const track of tracks) track.expectContiguous();
    },
  );

  itOverBoth(
    'stops at the end of the range without BYE, and can go on from there (RFC 2326 §12.29)',
    'short.mp4',
    async (viewer) => {
      const { tracks } = viewer;
      const answer = await viewer.play('npt=0-0.2');
      expect(answer.endSeconds).toBe(0.2);
      await tracks[0]!.until(() => tracks[0]!.timestampsFromFirst().length === 5, 'five frames');
      // The range is over for certain when another viewer's longer one is.
      const other = await Viewer.open(finch, { carrier: 'TCP', movie: 'short.mp4', trackIds: [1] });
      await other.play('npt=0-');
      await other.tracks[0]!.until(() => other.tracks[0]!.timestampsFromFirst().length === 10, 'ten frames');
      await other.close();
      expect(tracks[0]!.timestampsFromFirst().length).toBe(5);
      expect(tracks.map(({ byes }) => byes)).toEqual([0, 0]);
      expect((await viewer.play('npt=now-')).startSeconds).toBeCloseTo(0.2, 1);
      await Promise.all(tracks.map((track) => track.byeArrived()));
      expect(tracks[0]!.timestampsFromFirst().length).toBe(SHORT.frames);
      for (const track of tracks) track.expectContiguous();
    },
  );

  itOverBoth(
    'hears no BYE at the end of the movie while a PLAY waits for its time (RFC 3550 §6.6)',
    'short.mp4',
    async (viewer) => {
      const { tracks, url } = viewer;
      await viewer.play();
      // So far ahead that the movie is over by then, and a server that says BYE at its end has done so.
      const time = formatUtcTime(Date.now() + 2000);
      await viewer.expectOk('PLAY', url, { Range: `npt=0-0.2;time=${time}` });
      const frames = () => tracks[0]!.timestampsFromFirst().length;
      await tracks[0]!.until(() => frames() === SHORT.frames + 5, 'five frames more');
      expect(tracks.map(({ byes }) => byes)).toEqual([0, 0]);
      for (const track of tracks) track.expectContiguous();
      await viewer.teardown();
      await Promise.all(tracks.map((track) => track.byeArrived()));
    },
  );

  itOverBoth(
    'is refused a range that the movie does not have, and plays on undisturbed (RFC 2326 §11.3, §12.29)',
    SAMPLE,
    async (viewer) => {
      const { tracks, url } = viewer;
      await viewer.play();
      const refused: Record<string, number> = {
        'npt=100-': 457,
        'npt=24.5-30': 457,
        'npt=5-4': 457,
        'clock=19961108T143720Z-': 456,
        'bytes=0-1': 501,
      };
      for (const [range, status] of Object.entries(refused)) {
        const answer = await viewer.request('PLAY', url, { Range: range });
        expect({ range, status: answer.status }).toEqual({ range, status });
        expect(answer.text).toMatch(/^Range: .*expected/);
      }
      await tracks[0]!.morePackets(5);
      tracks[0]!.expectContiguous();
    },
  );

  itOverBoth(
    'who asks to play while he plays hears where he is, and nothing changes (RFC 2326 §10.5)',
    SAMPLE,
    async (viewer) => {
      const { tracks } = viewer;
      const first = await viewer.play('npt=10-');
      const elapsed = () => ticksBetween(first.rtpTicks[1]!, tracks[1]!.packets.at(-1)?.timestamp ?? 0);
      await tracks[1]!.until(
        () => tracks[1]!.packets.length > 0 && elapsed() > AUDIO_HZ / 2,
        'half a second',
      );
      const again = await viewer.play();
      expect(again.startSeconds).toBeGreaterThanOrEqual(first.startSeconds + 0.3);
      expect(again.startSeconds).toBeLessThan(first.startSeconds + 5);
      await tracks[0]!.morePackets(10);
      for (const track of tracks) track.expectContiguous();
      const moved = ticksBetween(first.rtpTicks[0]!, again.rtpTicks[0]!) / VIDEO_HZ;
      expect(moved).toBeCloseTo(again.startSeconds - first.startSeconds, 2);
    },
  );

  itOverBoth('hears BYE at TEARDOWN, and the session is gone (RFC 2326 §10.7)', SAMPLE, async (viewer) => {
    const { tracks, url } = viewer;
    await viewer.play();
    await tracks[0]!.packetsArrived(10);
    await viewer.teardown();
    await Promise.all(tracks.map((track) => track.byeArrived()));
    expect((await viewer.request('PLAY', url)).status).toBe(454);
    const stop = expect.objectContaining({ message: `127.0.0.1 stops ${SAMPLE}: teardown` });
    await eventually(() => expect(finch.log).toContainEqual(stop));
  });

  itOverBoth(
    'gets sender reports that agree with the stream within 5 ms (RFC 3550 §6.4.1)',
    SAMPLE,
    async (viewer) => {
      const { tracks } = viewer;
      const answer = await viewer.play('npt=4-');
      await tracks[1]!.packetsArrived(6);
      const startsMs = await Promise.all(
        tracks.map(async (track, i) => {
          const report = await track.until(() => track.reports[0], 'a sender report');
          expect(report.ssrc).toBe(track.packets[0]!.ssrc);
          expect(report.packetCount).toBe(0); // it goes before the first packet
          const hz = [VIDEO_HZ, AUDIO_HZ][i]!;
          return report.unixMs - (ticksBetween(answer.rtpTicks[i]!, report.rtpTimestamp) / hz) * 1000;
        }),
      );
      // By both tracks' reports the start was at one instant ...
      expect(Math.abs(startsMs[0]! - startsMs[1]!)).toBeLessThan(5);
      // ... and audio, which has no reordering, leaves at the time that its timestamp says; the least delayed packet tells.
      const lateness = tracks[1]!.packets.map(
        ({ timestamp, atMs }) =>
          atMs - startsMs[1]! - (ticksBetween(answer.rtpTicks[1]!, timestamp) / AUDIO_HZ) * 1000,
      );
      expect(Math.abs(Math.min(...lateness))).toBeLessThan(5 + finch.config.sendWindowMs);
    },
  );
});

describe('over TCP', () => {
  it('no packet follows the answer to PAUSE, none of the old position the answer to a seek', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP' });
    const { client, tracks } = viewer;
    await viewer.play();
    for (const range of ['npt=5-', 'npt=17-', 'npt=1-', 'npt=9-']) {
      await tracks[0]!.morePackets(7);
      await viewer.pause();
      const before = client.answers.at(-1)!.framesBefore;
      await viewer.request('GET_PARAMETER', viewer.url);
      expect(client.answers.at(-1)!.framesBefore).toBe(before);
      const resumed = await viewer.play();
      expect(client.answers.at(-1)!.framesBefore).toBe(before);
      await tracks[0]!.until(() => tracks[0]!.packets.length > resumed.packetsBefore[0]!, 'a packet');
      const sought = await viewer.play(range);
      await Promise.all(tracks.map((track, i) => track.packetsArrived(sought.packetsBefore[i]! + 1)));
      tracks.forEach((track, i) => {
        const first = track.packets[sought.packetsBefore[i]!]!;
        expect(first.sequenceNumber).toBe(sought.sequenceNumbers[i]);
      });
    }
    await viewer.close();
  });

  it('no RTP follows the answer to TEARDOWN (RFC 2326 §10.7)', async () => {
    for (let round = 0; round < 5; round++) {
      const viewer = await Viewer.open(finch, { carrier: 'TCP' });
      await viewer.play('npt=3-');
      await Promise.all(viewer.tracks.map((track) => track.packetsArrived(1)));
      const { framesBefore } = await viewer.teardown();
      await viewer.tracks[1]!.byeArrived();
      const after = viewer.client.frames.slice(framesBefore).map(({ channel }) => channel % 2);
      expect(after).not.toContain(0);
      await viewer.close();
    }
  });
});
