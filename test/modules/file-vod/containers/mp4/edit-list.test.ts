import type { IndexedTrack, MovieIndex } from '@finch/file-vod/containers/container';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import {
  audioTrack,
  box,
  editList,
  fullBox,
  MemoryReader,
  type TestTrack,
  u32,
  videoTrack,
  writeMovie,
} from '../../../../support/mp4-writer';

/** Movie timescale 1000; video frames of 40 ms with a key frame every fifth; audio frames of 1024/48000 s. */
const index = (track: TestTrack, timescale = 1000): MovieIndex =>
  indexMp4(new MemoryReader(writeMovie({ tracks: [track], timescale })));
const video = (edts: Buffer): IndexedTrack => index(videoTrack({ edts })).tracks[0]!;
const audio = (edts: Buffer): IndexedTrack => index(audioTrack({ edts })).tracks[0]!;
const frameOf = ({ frames }: IndexedTrack): number[] => [...frames.ptsTicks].map((ticks) => ticks / 3600);

describe('edit lists (ISO/IEC 14496-12 §8.6.6)', () => {
  it('delay a track by an empty edit', () => {
    const track = video(
      editList([
        [700, -1],
        [400, 0],
      ]),
    );
    expect([track.frames.ptsTicks[0], track.frames.dtsUs[0], track.frames.length]).toEqual([
      63000, 700_000, 10,
    ]);
  });

  it('move the start by media_time: decode times go below 0, presentation starts at 0', () => {
    const cts = Array.from({ length: 6 }, (_, i) => ({ size: 5, duration: 512, cts: 1024, key: i === 0 }));
    const { frames } = index(videoTrack({ samples: cts, edts: editList([[240, 1024]]) })).tracks[0]!;
    expect([frames.ptsTicks[0], frames.dtsUs[0], frames.length]).toEqual([0, -80_000, 6]);
  });

  it('keep the frames from the key frame before the start, with times below 0', () => {
    expect(frameOf(video(editList([[120, 7 * 512]])))).toEqual([-2, -1, 0, 1, 2]);
    expect([...video(editList([[120, 7 * 512]])).frames.keyFrames]).toEqual([0]);
  });

  it('trim the end', () => {
    const movie = index(videoTrack({ edts: editList([[100, 0]]) }));
    expect([movie.tracks[0]!.frames.length, movie.durationUs]).toEqual([3, 100_000]);
  });

  it('keep what a shown frame is decoded from, though it is shown after the end itself', () => {
    const order = [0, 1024, 0, 0].map((cts) => ({ size: 5, duration: 512, cts, key: false }));
    const { frames } = index(videoTrack({ samples: order, edts: editList([[100, 0]]) })).tracks[0]!;
    expect([...frames.ptsTicks]).toEqual([0, 10800, 7200]);
  });

  it.each([0, 1] as const)('with duration 0 go to the end (version %i)', (version) => {
    expect(frameOf(video(editList([[0, 5 * 512]], version)))).toEqual([0, 1, 2, 3, 4]);
  });

  it('splice several edits; frames decoded but not shown come right before the start of theirs', () => {
    const { frames } = video(
      editList([
        [80, 0],
        [120, -1],
        [80, 7 * 512],
        [80, 0],
      ]),
    );
    expect([...frames.ptsTicks]).toEqual([0, 3600, 17998, 17999, 18000, 21600, 25200, 28800]);
    expect([...frames.dtsUs]).toEqual([0, 40_000, 120_000, 160_000, 200_000, 240_000, 280_000, 320_000]);
    expect([...frames.keyFrames]).toEqual([0, 2, 6]);
  });

  it('that go on where the edit before ended repeat no frame', () => {
    expect(
      frameOf(
        video(
          editList([
            [120, 0],
            [120, 3 * 512],
          ]),
        ),
      ),
    ).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('keep the priming frame of audio, and one of preroll where they start later', () => {
    expect([...audio(editList([[0, 1024]])).frames.ptsTicks].slice(0, 2)).toEqual([-1024, 0]);
    expect([...audio(editList([[0, 2112]])).frames.ptsTicks].slice(0, 3)).toEqual([-1088, -64, 960]);
    expect(audio(editList([[0, 5 * 1024]])).frames.length).toBe(6);
  });

  it('trim the end of audio, to the frame', () => {
    expect(audio(editList([[64, 0]])).frames.length).toBe(3);
  });

  it('stay exact over odd timescales', () => {
    const track = videoTrack({
      timescale: 30000,
      samples: Array.from({ length: 50 }, () => ({ size: 5, duration: 1001 })),
    });
    const { frames } = index(
      {
        ...track,
        edts: editList([
          [1, -1],
          [0, 0],
        ]),
      },
      3,
    ).tracks[0]!;
    expect([...frames.ptsTicks]).toEqual(Array.from({ length: 50 }, (_, i) => 30000 + i * 3003));
    expect(frames.dtsUs[1]).toBe(Math.round(1e6 / 3 + (1001 / 30000) * 1e6));
  });

  const many = Array.from({ length: 1001 }, () => [40, 0]);
  it.each<[string, Buffer, string]>([
    ['too many entries', editList(many), 'elst has 1001 entries, at most 1000'],
    [
      'more entries than bytes',
      box('edts', fullBox('elst', 0, 0, u32(0xffffffff, 0, 0, 0))),
      'elst claims 4294967295 entries',
    ],
    ['media time -2', editList([[400, -2]]), 'elst entry 1 has media time -2, expected -1 or more'],
    ['a start beyond the media', editList([[400, 1_000_000]]), 'the edit list shows no frame'],
    [
      'a gap of weeks',
      editList([
        [4_000_000_000, -1],
        [400, 0],
      ]),
      'elst entry 1 is a gap of more than 86400 s',
    ],
    ['nothing but a gap', editList([[400, -1]]), 'the edit list shows no frame'],
    [
      'the same again and again',
      editList(many.slice(0, 900).map(() => [400, 0])),
      'the edit list shows 9000 frames of 10',
    ],
    [
      'an end beyond a year',
      editList([[0xffffffff, 0], ...Array(9).fill([0xffffffff, 0]), [1, 0]]),
      'elst entry 9 begins more than 31622400 s into the movie',
    ],
  ])('that make no sense are passed over with a warning: %s', (_, edts, reason) => {
    const movie = index(videoTrack({ edts }));
    expect(movie.warnings.join()).toContain(`track 1: edit list passed over: ${reason}`);
    expect(frameOf(movie.tracks[0]!)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('without a movie timescale are passed over with a warning', () => {
    const movie = index(videoTrack({ edts: editList([[0, 2560]]) }), 0);
    expect(movie.warnings).toEqual([
      'track 1: edit list passed over: mvhd gives no timescale for the edit list',
    ]);
  });
});
