/** Scale and Speed over sockets: what PLAY answers, and whether the packets keep to it. Spec: RFC 2326 §12.34, §12.35. */
import { type NptRange, parseRange } from '@finch/rtsp/headers/range';
import { parseRtpInfo } from '@finch/rtsp/headers/rtp-info';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { putMovie } from '../../support/movies';
import { ticksBetween } from '../../support/rtp-receiver';
import { type Carrier, Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

const folder = temporaryFolder();
let finch: FinchUnderTest;
let viewers: Viewer[] = [];

const SHORT = 'short.mp4';
const SHORT_SECONDS = 8;

beforeAll(async () => {
  putMovie(folder.path, SHORT, { frames: SHORT_SECONDS * 25, framesPerSecond: 25, keyEvery: 25 });
  putMovie(folder.path, 'still.mp4', { frames: 100, framesPerSecond: 25, keyEvery: 1000, isSilent: true });
  finch = await startFinch({ media: folder.path });
});
afterEach(async () => {
  await Promise.all(viewers.map((viewer) => viewer.close()));
  viewers = [];
});
afterAll(async () => {
  await finch.stop();
  folder.remove();
});

async function open(carrier: Carrier = 'TCP', movie = SHORT): Promise<Viewer> {
  const viewer = await Viewer.open(finch, { carrier, movie });
  viewers.push(viewer);
  return viewer;
}

interface Played {
  readonly scale: string | null | undefined;
  readonly speed: string | null | undefined;
  readonly start: number;
  readonly end: number;
  readonly infos: readonly { readonly sequence: number; readonly ticks: number }[];
}

async function play(viewer: Viewer, headers: Record<string, string>): Promise<Played> {
  const answer = await viewer.expectOk('PLAY', viewer.url, headers);
  const { start, end } = parseRange(answer.headers.get('Range')!, 'reverse') as NptRange;
  const infos = parseRtpInfo(answer.headers.get('RTP-Info')!);
  return {
    scale: answer.headers.get('Scale'),
    speed: answer.headers.get('Speed'),
    start: start as number,
    end: end as number,
    infos: infos.map(({ sequenceNumber, rtpTicks }) => ({ sequence: sequenceNumber!, ticks: rtpTicks! })),
  };
}

/** The packet that the answer promised first, of the track at `place`. */
function firstOf(viewer: Viewer, { infos }: Played, place: number) {
  const track = viewer.tracks[place]!;
  return track.until(
    () => track.packets.find(({ sequenceNumber }) => sequenceNumber === infos[place]!.sequence),
    'the first packet',
  );
}

describe('Scale', () => {
  it('is answered when it was asked for, and only then', async () => {
    const viewer = await open();
    expect((await play(viewer, {})).scale ?? undefined).toBeUndefined();
    expect((await play(viewer, { Scale: '2' })).scale).toBe('2');
    expect((await play(viewer, { Scale: '4.000', Range: 'npt=1-' })).scale).toBe('4');
    expect((await play(viewer, { Scale: '-1000' })).scale).toBe('-32');
    expect((await play(viewer, { Scale: '1' })).scale).toBe('1');
  });

  it('is 1 in the answer where it can’t be anything else', async () => {
    const viewer = await open('TCP', 'still.mp4');
    expect((await play(viewer, { Scale: '-1', Range: 'npt=3-0' })).scale).toBe('1');
    await viewer.tracks[0]!.packetsArrived(20);
  });

  it.each(['0', 'fast', ''])('of %j is 400, and changes nothing', async (scale) => {
    const viewer = await open();
    await play(viewer, {});
    expect((await viewer.request('PLAY', viewer.url, { Scale: scale })).status).toBe(400);
    await viewer.tracks[0]!.morePackets(5);
    viewer.tracks[0]!.expectContiguous();
  });

  it.each<Carrier>(['UDP', 'TCP'])(
    'of 8 shows the movie in an eighth of its time, then BYE (%s)',
    async (carrier) => {
      const viewer = await open(carrier);
      const played = await play(viewer, { Scale: '8', Range: 'npt=0-' });
      expect([played.start, played.end]).toEqual([0, SHORT_SECONDS]);
      const first = await firstOf(viewer, played, 0);
      expect(first.timestamp).toBe(played.infos[0]!.ticks);
      await viewer.tracks[0]!.byeArrived();
      const [video, audio] = viewer.tracks;
      expect(video!.timestampsFromFirst()).toEqual(Array.from({ length: 8 }, (_, i) => (i * 90_000) / 8));
      expect(audio!.packets).toEqual([]);
      video!.expectContiguous();
      const lastMs = video!.packets.at(-1)!.atMs;
      expect(Math.abs(lastMs - first.atMs - 875)).toBeLessThan(200);
    },
  );

  it.each<Carrier>(['UDP', 'TCP'])(
    'below 0 plays back to the start and stays there, without BYE (%s)',
    async (carrier) => {
      const viewer = await open(carrier);
      const played = await play(viewer, { Scale: '-8', Range: 'npt=7.5-0' });
      expect([played.scale, played.start, played.end]).toEqual(['-8', 7, 0]);
      const [video] = viewer.tracks;
      await video!.until(() => video!.timestampsFromFirst().length === 8, 'the key frames');
      const again = await play(viewer, { Scale: '1' });
      expect(again.start).toBe(0);
      const first = await firstOf(viewer, again, 0);
      expect(first.timestamp).toBe(again.infos[0]!.ticks);
      expect(ticksBetween(played.infos[0]!.ticks, first.timestamp)).toBeGreaterThan((7 * 90_000) / 8);
      expect(video!.byes).toBe(0);
      video!.expectContiguous();
    },
  );

  it('of 1 is real time again, with sound, where it is', async () => {
    const viewer = await open();
    await play(viewer, { Scale: '4', Range: 'npt=0-' });
    const [video, audio] = viewer.tracks;
    await video!.until(() => video!.timestampsFromFirst().length === 4, 'four key frames');
    const again = await play(viewer, { Scale: '1' });
    expect(again.start).toBeGreaterThanOrEqual(2);
    expect(again.start).toBeLessThanOrEqual(4);
    await audio!.packetsArrived(10);
    video!.expectContiguous();
    expect(audio!.packets[0]!.sequenceNumber).toBe(again.infos[1]!.sequence);
  });

  it('stays where a PLAY without Range and Scale is a sign of life (RFC 2326 §10.5)', async () => {
    const viewer = await open();
    await play(viewer, { Scale: '4', Speed: '2', Range: 'npt=0-' });
    const [video] = viewer.tracks;
    await video!.packetsArrived(1);
    const again = await play(viewer, {});
    expect([again.scale, again.speed]).toEqual(['4', '2']);
    const backward = await play(viewer, { Scale: '-8', Range: 'npt=7-' });
    await firstOf(viewer, backward, 0);
    expect((await play(viewer, {})).scale).toBe('-8');
    video!.expectContiguous();
  });

  it('is 1 again when PLAY without it goes on behind PAUSE', async () => {
    const viewer = await open();
    await play(viewer, { Scale: '4', Range: 'npt=0-' });
    const [video, audio] = viewer.tracks;
    await video!.until(() => video!.timestampsFromFirst().length === 2, 'two key frames');
    const position = await viewer.pause();
    const again = await play(viewer, {});
    expect(again.scale ?? undefined).toBeUndefined();
    expect(again.start).toBeLessThanOrEqual(position);
    await audio!.packetsArrived(3);
  });

  it('and a Range behind a PLAY with an end wait for that (RFC 2326 §10.5, §12.34)', async () => {
    const viewer = await open();
    await play(viewer, { Range: 'npt=0-0.6' });
    const queued = await viewer.expectOk('PLAY', viewer.url, { Scale: '4', Range: 'npt=2-6' });
    expect([queued.headers.get('Scale'), queued.headers.get('Range')]).toEqual(['4', 'npt=2.000-6.000']);
    expect(queued.headers.has('RTP-Info')).toBe(false);
    const backward = await viewer.expectOk('PLAY', viewer.url, { Scale: '-1000', Range: 'npt=7-' });
    expect([backward.headers.get('Scale'), backward.headers.get('Range')]).toEqual([
      '-32',
      'npt=7.000-0.000',
    ]);
    const [video] = viewer.tracks;
    // 15 pictures of the first range, one a second of the second, and some of the third.
    await video!.until(() => video!.timestampsFromFirst().length >= 15 + 4 + 2, 'the pictures of all three');
    video!.expectContiguous();
  });

  it('without a Range is for now, whatever is to come', async () => {
    const viewer = await open();
    await play(viewer, { Range: 'npt=0-5' });
    const fast = await play(viewer, { Scale: '4' });
    expect([fast.scale, fast.infos.length]).toEqual(['4', 2]);
  });

  it('against the direction of Range is 457 (RFC 2326 §11.3.8)', async () => {
    const viewer = await open();
    const statusOf = async (headers: Record<string, string>) =>
      (await viewer.request('PLAY', viewer.url, headers)).status;
    expect(await statusOf({ Scale: '-1', Range: 'npt=2-5' })).toBe(457);
    expect(await statusOf({ Scale: '2', Range: 'npt=5-2' })).toBe(457);
    expect(await statusOf({ Scale: '-1', Range: 'npt=5-2' })).toBe(200);
  });

  it('of one viewer is not that of another', async () => {
    const [fast, plain] = [await open(), await open()];
    await play(plain, { Range: 'npt=0-' });
    await play(fast, { Scale: '-16', Range: 'npt=7-' });
    const ticks = () => plain.tracks[0]!.timestampsFromFirst();
    await plain.tracks[0]!.until(() => ticks().length >= 30, '30 pictures');
    expect(ticks()).toEqual(Array.from({ length: ticks().length }, (_, i) => i * 3600));
    for (const track of plain.tracks) track.expectContiguous();
  });
});

it('Speed delivers faster with the timestamps of the movie (RFC 2326 §12.35)', async () => {
  const viewer = await open();
  const played = await play(viewer, { Speed: '100', Range: 'npt=0-' });
  expect([played.speed, played.scale ?? undefined]).toEqual(['4', undefined]);
  const [video] = viewer.tracks;
  await video!.until(() => video!.timestampsFromFirst().length === 81, '3.2 s of pictures');
  expect(video!.timestampsFromFirst()).toEqual(Array.from({ length: 81 }, (_, i) => i * 3600));
  expect(Math.abs(video!.packets.at(-1)!.atMs - video!.packets[0]!.atMs - 800)).toBeLessThan(200);
  expect((await viewer.request('PLAY', viewer.url, { Speed: '-1' })).status).toBe(400);
});
