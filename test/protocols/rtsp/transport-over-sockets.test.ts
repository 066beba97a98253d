/**
 * What the network does to a viewer and what he does to others: slow readers, floods, early sending. Over real sockets.
 * Spec: RFC 2326 §10.12; RFC 3550 §5.1.
 */
import { readFileSync } from 'node:fs';
import { writeRequest } from 'rtsp-stream-parser';
import { eventually } from '../../support/deadline';
import { nalUnitsOf } from '../../support/depacketize';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { nalUnitOfFrame, putMovie, type ShortMovie } from '../../support/movies';
import { receiverReport } from '../../support/rtp-receiver';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

/** 10 MB a second, a key frame each second: the kernel's buffers are full within a second. */
const FAT: ShortMovie = {
  frames: 150,
  framesPerSecond: 50,
  frameBytes: 200_000,
  keyEvery: 50,
  isSilent: true,
};
const THIN: ShortMovie = { frames: 250, framesPerSecond: 50, frameBytes: 300, isSilent: true };
const SHORT: ShortMovie = { frames: 20, framesPerSecond: 25 };
const MIB = 1 << 20;

const folder = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(() => {
  putMovie(folder.path, 'fat.mp4', FAT);
  putMovie(folder.path, 'thin.mp4', THIN);
  putMovie(folder.path, 'short.mp4', SHORT);
});
afterAll(() => folder.remove());

/** Memory of the process that is nobody else's, in bytes: heap and native, without the mapped movies. */
function anonymousBytes(): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

/** The values of named parameters of a session (RFC 2326 §10.8). */
async function parametersOf({ client, url, session }: Viewer, names: readonly string[]): Promise<string[]> {
  const body = Buffer.from(names.map((name) => `${name}\r\n`).join(''));
  client.send(
    writeRequest({ method: 'GET_PARAMETER', url, headers: { CSeq: '900', Session: session }, body }),
  );
  const { text } = await client.answer();
  return text
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(': ')[1]!);
}

describe('a slow reader over TCP', () => {
  beforeAll(async () => {
    finch = await startFinch({ media: folder.path, overbuffer: 'off' });
  });
  afterAll(() => finch.stop());

  it('blocks nobody, costs little memory, and goes on at a key frame when he reads again', async () => {
    const slow = await Viewer.open(finch, { carrier: 'TCP', movie: 'fat.mp4' });
    const other = await Viewer.open(finch, { carrier: 'TCP', movie: 'thin.mp4' });
    slow.client.isKeepingFrames = false;
    await slow.play();
    await slow.tracks[0]!.packetsArrived(50);
    slow.client.socket.pause();
    const beforeBytes = anonymousBytes();
    await other.play('npt=0-3');
    await other.tracks[0]!.packetsArrived(130); // 2.6 s, by which 26 MB would have been sent
    other.tracks[0]!.expectContiguous();
    expect(anonymousBytes() - beforeBytes).toBeLessThan(24 * MIB);
    const gaps = other.tracks[0]!.packets.map(({ atMs }, i, all) => atMs - (all[i - 1]?.atMs ?? atMs));
    expect(gaps.filter((gap) => gap > 200)).toEqual([]);
    // What he has in hand is the beginning of the movie: he was not sent ahead.
    slow.client.socket.resume();
    await slow.tracks[0]!.byeArrived(1, 12_000);
    slow.tracks[0]!.expectContiguous();
    const frames = slow.tracks[0]!.timestampsFromFirst().map((ticks) => ticks / (90_000 / 50));
    const back = frames.findIndex((frame, i) => i > 0 && frame !== frames[i - 1]! + 1);
    expect(frames.slice(0, back)).toEqual(Array.from({ length: back }, (_, i) => i));
    expect(frames[back]! % FAT.keyEvery!).toBe(0);
    expect(frames.slice(back)).toEqual(
      Array.from({ length: FAT.frames - frames[back]! }, (_, i) => frames[back]! + i),
    );
    const { packets } = slow.tracks[0]!;
    const last = packets.filter(({ timestamp }) => timestamp === packets.at(-1)!.timestamp);
    const slices = nalUnitsOf(last).filter((nal) => [1, 5].includes(nal[0]! & 0x1f));
    expect(slices[0]!.equals(nalUnitOfFrame(FAT.frames - 1, FAT))).toBe(true);
    const left = FAT.frames - frames.length;
    const told = await parametersOf(slow, ['thinned_frames', 'thinned_p_frames', 'thinned_group_frames']);
    expect(told[0]).toBe(String(left));
    expect(Number(told[1]) + Number(told[2])).toBe(left);
    const [groups] = await parametersOf(slow, ['thinned_groups']);
    expect(Number(groups)).toBe(Number(told[2]) / FAT.keyEvery!);
    await slow.teardown();
    await other.teardown();
    const stops = () => finch.log.filter(({ message }) => message === '127.0.0.1 stops fat.mp4: teardown');
    await eventually(() =>
      expect(stops().map(({ fields }) => fields!['thinned.wholeGroups'] ?? 0)).toEqual([Number(groups)]),
    );
    const begins = finch.log.filter(({ message }) =>
      /^127\.0\.0\.1 can't keep up with fat\.mp4: gets /.test(message),
    );
    expect(begins.length).toBe(1);
    await Promise.all([slow.close(), other.close()]);
  });

  it('is answered when he reads again; requests of his that wait cost nobody anything', async () => {
    const slow = await Viewer.open(finch, { carrier: 'TCP', movie: 'fat.mp4' });
    slow.client.isKeepingFrames = false;
    await slow.play();
    await slow.tracks[0]!.packetsArrived(50);
    slow.client.socket.pause();
    const other = await Viewer.open(finch, { carrier: 'TCP', movie: 'thin.mp4' });
    await other.play();
    await other.tracks[0]!.packetsArrived(60);
    const answers = Array.from({ length: 200 }, () => slow.request('OPTIONS', '*'));
    const pause = slow.pause();
    await other.tracks[0]!.morePackets(20);
    slow.client.socket.resume();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    await pause;
    slow.tracks[0]!.expectContiguous();
    await Promise.all([slow.close(), other.close()]);
  });

  it('who disconnects while he owes reading is forgotten', async () => {
    const slow = await Viewer.open(finch, { carrier: 'TCP', movie: 'fat.mp4' });
    await slow.play();
    await slow.tracks[0]!.packetsArrived(50);
    slow.client.socket.pause();
    const other = await Viewer.open(finch, { carrier: 'TCP', movie: 'thin.mp4' });
    await other.play();
    await other.tracks[0]!.packetsArrived(50);
    slow.client.reset();
    await other.tracks[0]!.morePackets(10);
    const { threads } = await finch.server.inspect();
    expect(threads[0]!.counts['RTSP sessions']).toBe(1);
    await Promise.all([slow.close(), other.close()]);
  });
});

describe('a viewer who floods', () => {
  beforeAll(async () => {
    finch = await startFinch({ media: folder.path });
  });
  afterAll(() => finch.stop());

  it.each([
    ['interleaved frames', Buffer.concat([Buffer.from([0x24, 9, 0, 12]), Buffer.alloc(12)])],
    ['requests', Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n')],
    ['blank lines and requests', Buffer.from('\r\n\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n')],
  ])('with %s leaves the others their time', async (_, bytes) => {
    const flooder = await Viewer.open(finch, { carrier: 'TCP', movie: 'thin.mp4' });
    const other = await Viewer.open(finch, { carrier: 'TCP', movie: 'thin.mp4' });
    await other.play();
    await other.tracks[0]!.packetsArrived(5);
    const chunk = Buffer.alloc(bytes.length * 4000, bytes);
    const { socket } = flooder.client;
    let isOver = false;
    const pour = () => {
      while (!isOver && socket.write(chunk));
      if (!isOver) socket.once('drain', pour);
    };
    pour();
    await other.tracks[0]!.morePackets(25);
    isOver = true;
    other.tracks[0]!.expectContiguous();
    await Promise.all([flooder.close(), other.close()]);
  });

  it('with RTCP is read as far as time allows', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'UDP', movie: 'thin.mp4' });
    await viewer.play();
    const { ssrc, serverPort } = viewer.transports[0]!;
    const report = Buffer.from(receiverReport(ssrc!));
    for (let i = 0; i < 2000; i++)
      viewer.udp[0]!.sendRtcp(i % 3 === 0 ? Buffer.alloc(i % 70) : report, serverPort!.rtcp);
    await viewer.tracks[0]!.packetsArrived(20);
    viewer.tracks[0]!.expectContiguous();
    await viewer.teardown();
    await viewer.close();
  });
});

describe('with packets sent far ahead', () => {
  beforeAll(async () => {
    finch = await startFinch({ media: folder.path, sendAheadMs: 10_000 });
  });
  afterAll(() => finch.stop());

  it('a movie whose packets have all gone is paused and played on without starting anew', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', movie: 'short.mp4' });
    const [video] = viewer.tracks;
    await viewer.play('npt=0-');
    await video!.until(() => video!.timestampsFromFirst().length === SHORT.frames, 'all frames');
    const count = video!.packets.length;
    const again = await viewer.play(); // while it plays: no action (RFC 2326 §10.5)
    await viewer.pause();
    await viewer.play();
    await Promise.all(viewer.tracks.map((track) => track.byeArrived()));
    expect(again.startSeconds).toBeGreaterThan(0.5);
    expect(video!.packets.length).toBe(count);
    await viewer.close();
  });
});
