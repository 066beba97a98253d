import { FrameTable } from '@finch/core/stream/frame-table';
import { SEGMENT_BOUNDS, SegmentMap } from '@finch/rtp/plan-segments';
import fc from 'fast-check';

function tableOf(count: number, frameUs: number, sizeBytes: number): FrameTable {
  const frames = FrameTable.allocate(count, 0);
  for (let frame = 0; frame < count; frame += 1) frames.dtsUs[frame] = frame * frameUs;
  frames.sizes.fill(sizeBytes);
  return frames;
}

const countsOf = (map: SegmentMap) =>
  Array.from({ length: map.length }, (_, segment) => map.frameCountOf(segment));

describe('SegmentMap', () => {
  it.each([
    ['2 s of video', 'video', 120, 40_000, 1000, [50, 50, 20]],
    ['256 video frames', 'video', 300, 1000, 10, [256, 44]],
    ['4 MiB', 'video', 9, 1000, 2 ** 20, [4, 4, 1]],
    ['a single larger frame', 'video', 3, 1000, 2 ** 23, [1, 1, 1]],
    ['4 s of audio', 'audio', 200, 40_000, 100, [100, 100]],
    ['512 audio frames', 'audio', 600, 1000, 100, [512, 88]],
    ['nothing for a track without frames', 'video', 0, 1, 1, []],
  ] as const)('holds at most %s', (_name, kind, count, frameUs, sizeBytes, expected) => {
    expect(countsOf(SegmentMap.of(tableOf(count, frameUs, sizeBytes), kind))).toEqual(expected);
  });

  it('begins a segment at frame 0 whatever its decode time', () => {
    const frames = tableOf(4, 1_000_000, 1);
    for (let frame = 0; frame < 4; frame += 1) frames.dtsUs[frame]! -= 1_500_000;
    expect(countsOf(SegmentMap.of(frames, 'video'))).toEqual([2, 2]);
  });

  it('puts every frame into the one segment that names it, within the bounds', () => {
    const rows = fc.array(fc.tuple(fc.nat(900_000), fc.nat(2 ** 22 + 1000)), { maxLength: 80 });
    fc.assert(
      fc.property(rows, (list) => {
        const frames = FrameTable.allocate(list.length, 0);
        list.forEach(([stepUs, size], frame) => {
          frames.dtsUs[frame] = (frames.dtsUs[frame - 1] ?? 0) + stepUs;
          frames.sizes[frame] = size;
        });
        const map = SegmentMap.of(frames, 'video');
        let next = 0;
        for (let segment = 0; segment < map.length; segment += 1) {
          expect(map.firstFrameOf(segment)).toBe(next);
          const end = next + map.frameCountOf(segment);
          for (let frame = next; frame < end; frame += 1) expect(map.segmentOfFrame(frame)).toBe(segment);
          const bytes = frames.sizes.subarray(next, end).reduce((sum, size) => sum + size, 0);
          expect(end - next === 1 || bytes <= SEGMENT_BOUNDS.video.maxBytes).toBe(true);
          expect(frames.dtsUs[end - 1]! - frames.dtsUs[next]!).toBeLessThan(2_000_000);
          next = end;
        }
        expect(next).toBe(list.length);
      }),
    );
  });

  it('knows no frame and no segment outside', () => {
    const map = SegmentMap.of(tableOf(3, 1, 1), 'audio');
    expect([-1, 3, Number.NaN].map((frame) => map.segmentOfFrame(frame))).toEqual([-1, -1, -1]);
    expect(() => map.firstFrameOf(1)).toThrow(RangeError);
    expect(() => map.frameCountOf(-1)).toThrow(RangeError);
  });
});
