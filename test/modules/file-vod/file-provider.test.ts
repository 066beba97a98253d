/** The frames of several tracks as one stream in decode order, and where a seek leads. Spec: RFC 2326 §10.5. */
import { ALL_FRAMES, Frame, type PullOrder, PullPipe } from '@finch/core';
import { FileProvider } from '@finch/file-vod/file-provider';
import fc from 'fast-check';
import { type MadeUpTrack, presentationOf } from './made-up-presentation';

const every = (count: number, us: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i * us);

const VIDEO: MadeUpTrack = {
  kind: 'video',
  clockRateHz: 90_000,
  dtsUs: every(100, 40_000),
  keyFrames: [0, 25, 50, 75],
};
const AUDIO: MadeUpTrack = { kind: 'audio', clockRateHz: 48_000, dtsUs: every(200, 20_000) };

function pullAll(provider: FileProvider): [track: number, index: number, dtsUs: number][] {
  const frame = new Frame();
  const pulled: [number, number, number][] = [];
  while (provider.pull(frame)) pulled.push([frame.track, frame.index, frame.dtsUs]);
  return pulled;
}

describe('pull', () => {
  it('gives all frames of all tracks in decode order, each track in its own (any tables)', () => {
    const times = fc
      .array(fc.integer({ min: -100_000, max: 1_000_000 }), { maxLength: 40 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(times, { maxLength: 4 }), (tables) => {
        const tracks = tables.map((dtsUs): MadeUpTrack => ({ ...AUDIO, dtsUs }));
        const pulled = pullAll(new FileProvider(presentationOf(tracks), every(tables.length, 1)));
        expect(pulled.length).toBe(tables.flat().length);
        expect(pulled.map(([, , us]) => us)).toEqual(tables.flat().sort((a, b) => a - b));
        tables.forEach((table, track) => {
          const own = pulled.filter(([of]) => of === track);
          expect(own.map(([, index]) => index)).toEqual(table.map((_, i) => i));
        });
      }),
    );
  });

  it('gives the earlier track first when two frames are due at once', () => {
    const provider = new FileProvider(presentationOf([VIDEO, AUDIO]), [0, 1]);
    expect(pullAll(provider).slice(0, 3)).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 20_000],
    ]);
  });

  it('gives the bound tracks only, numbered by their place among those', () => {
    const provider = new FileProvider(presentationOf([VIDEO, AUDIO]), [1]);
    const pulled = pullAll(provider);
    expect(pulled.length).toBe(200);
    expect(new Set(pulled.map(([track]) => track))).toEqual(new Set([0]));
  });

  it('has nothing to give without tracks and without frames, again and again', () => {
    for (const parts of [[], [{ ...AUDIO, dtsUs: [] }]]) {
      const provider = new FileProvider(
        presentationOf(parts),
        parts.map((_, i) => i),
      );
      expect([pullAll(provider), pullAll(provider)]).toEqual([[], []]);
      expect(provider.startOf(5_000_000, ALL_FRAMES)).toBe(5_000_000);
      expect(provider.seek(5_000_000)).toBe(5_000_000);
    }
  });

  it('passes over what went with an earlier frame, and never goes back', () => {
    const provider = new FileProvider(presentationOf([AUDIO]), [0]);
    provider.skipTo(0, 8);
    provider.skipTo(0, 3);
    expect(provider.nextFrame(0)).toBe(8);
    provider.skipTo(0, 200);
    expect([provider.nextFrame(0), pullAll(provider)]).toEqual([-1, []]);
  });
});

describe('seek', () => {
  it.each([
    [-5, 0, 0, 0],
    [0, 0, 0, 0],
    [999_999, 0, 0, 0],
    [1_000_000, 1_000_000, 25, 50],
    [1_999_999, 1_000_000, 25, 50],
    [2_500_000, 2_000_000, 50, 100],
    [3_999_999, 3_000_000, 75, 150],
    [99_000_000, 3_000_000, 75, 150],
  ])('to %i us starts at %i us, video at key frame %i, audio at frame %i', (toUs, startUs, video, audio) => {
    const provider = new FileProvider(presentationOf([VIDEO, AUDIO]), [0, 1]);
    pullAll(provider); // wherever it was
    expect(provider.startOf(toUs, ALL_FRAMES)).toBe(startUs);
    expect(provider.nextFrame(0)).toBe(-1); // there it still is
    expect(provider.seek(toUs)).toBe(startUs);
    expect([provider.nextFrame(0), provider.nextFrame(1)]).toEqual([video, audio]);
  });

  it('goes by what is shown, not by what is decoded, where they differ', () => {
    const offsetsUs = every(100, 0).map(() => 80_000);
    const provider = new FileProvider(presentationOf([{ ...VIDEO, offsetsUs }]), [0]);
    expect(provider.seek(1_040_000)).toBe(80_000); // key frame 25 is decoded at 1 s and shown at 1.08 s
    expect(provider.seek(1_080_000)).toBe(1_080_000);
    expect(provider.nextFrame(0)).toBe(25);
  });

  it('starts sound alone at the frame that plays then', () => {
    const provider = new FileProvider(presentationOf([AUDIO]), [0]);
    expect(provider.startOf(1_010_000, ALL_FRAMES)).toBe(1_000_000);
    expect(provider.seek(1_010_000)).toBe(1_000_000);
    expect(provider.nextFrame(0)).toBe(50);
  });

  it('is led by a track that has frames', () => {
    const provider = new FileProvider(
      presentationOf([{ ...VIDEO, dtsUs: [], keyFrames: [] }, AUDIO]),
      [0, 1],
    );
    expect(provider.seek(1_000_000)).toBe(1_000_000);
    expect([provider.nextFrame(0), provider.nextFrame(1)]).toEqual([-1, 50]);
  });

  it('of two viewers of one movie moves one only', () => {
    const presentation = presentationOf([VIDEO, AUDIO]);
    const [one, two] = [new FileProvider(presentation, [0, 1]), new FileProvider(presentation, [0, 1])];
    one.seek(2_000_000);
    expect([one.nextFrame(0), two.nextFrame(0)]).toEqual([50, 0]);
  });

  it('never starts behind what was asked for, nor before a key frame that would do (any table)', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.array(fc.nat(59)), fc.nat(4_000_000), (steps, marks, toUs) => {
        let us = 0;
        const dtsUs = [0, ...steps].map((step) => {
          us += step;
          return us;
        });
        const keyFrames = [...new Set([0, ...marks.filter((mark) => mark < dtsUs.length)])].sort(
          (a, b) => a - b,
        );
        const presentation = presentationOf([{ ...VIDEO, clockRateHz: 1e6, dtsUs, keyFrames }]);
        const provider = new FileProvider(presentation, [0]);
        const startUs = provider.seek(toUs);
        const wanted = keyFrames.filter((frame) => dtsUs[frame]! <= toUs).at(-1)!;
        expect([startUs, provider.nextFrame(0)]).toEqual([dtsUs[wanted], wanted]);
      }),
    );
  });
});

it('gives its hold on the presentation back when its pipe ends, once', () => {
  const presentation = presentationOf([AUDIO]);
  const pipe = new PullPipe(new FileProvider(presentation, [0]), { disconnected: () => {} });
  pipe.disconnect();
  pipe.disconnect();
  expect(presentation.closes).toBe(1);
});

describe('an order', () => {
  const backward: PullOrder = { keyFramesOnly: true, isReverse: true, isSilent: true, spacingUs: 0 };
  const fast: PullOrder = { ...backward, isReverse: false };
  const silent: PullOrder = { ...ALL_FRAMES, isSilent: true };

  it.each<[string, PullOrder, number, number, number[]]>([
    ['forward', fast, 1_500_000, 1_000_000, [25, 50, 75]],
    ['backward', backward, 2_100_000, 2_000_000, [50, 25, 0]],
    ['forward, 1.5 s apart at least', { ...fast, spacingUs: 1_500_000 }, 0, 0, [0, 50]],
    ['backward, 1 s apart at least', { ...backward, spacingUs: 1_000_000 }, 9e6, 3_000_000, [75, 50, 25, 0]],
  ])('of key frames %s gives those of the video track', (_name, order, toUs, startUs, frames) => {
    const provider = new FileProvider(presentationOf([AUDIO, VIDEO]), [0, 1]);
    expect([provider.startOf(toUs, order), provider.nextFrame(1)]).toEqual([startUs, 0]);
    expect(provider.seek(toUs, order)).toBe(startUs);
    expect([provider.nextFrame(0), provider.nextFrame(1)]).toEqual([-1, frames[0]]);
    expect(pullAll(provider)).toEqual(frames.map((frame) => [1, frame, frame * 40_000]));
    expect([provider.nextFrame(1), pullAll(provider)]).toEqual([-1, []]);
    provider.seek(0);
    expect(pullAll(provider).length).toBe(300);
  });

  it('of silence gives all pictures and no sound; sound comes back where the pictures are', () => {
    const provider = new FileProvider(presentationOf([VIDEO, AUDIO]), [0, 1]);
    const frame = new Frame();
    while (provider.pull(frame) && (frame.track !== 1 || frame.dtsUs < 1_020_000));
    provider.reorder(silent, frame);
    expect([provider.nextFrame(0), provider.nextFrame(1)]).toEqual([26, -1]);
    while (provider.pull(frame) && frame.index < 60);
    provider.reorder(ALL_FRAMES, frame);
    expect([provider.nextFrame(0), provider.nextFrame(1)]).toEqual([60, 120]);
    provider.seek(1_000_000, silent);
    expect(pullAll(provider).every(([track]) => track === 0)).toBe(true);
  });

  it('makes sense with something to see, and of key frames only with more than one', () => {
    const tracksOf = (...tracks: MadeUpTrack[]) =>
      new FileProvider(
        presentationOf(tracks),
        tracks.map((_, i) => i),
      );
    const answers = [
      tracksOf(VIDEO, AUDIO),
      tracksOf({ ...VIDEO, keyFrames: [0] }),
      tracksOf(AUDIO),
      tracksOf(),
    ];
    expect(answers.map((provider) => [provider.canFollow(silent), provider.canFollow(backward)])).toEqual([
      [true, true],
      [true, false],
      [false, false],
      [false, false],
    ]);
  });

  it.each([
    [10, 900_000, 25],
    [10, 1_100_000, 25],
    [10, 2_500_000, 50],
    [25, 1_100_000, 25],
    [76, 5_000_000, -1],
  ])('who is late at frame %d, when %d us are due, goes on at key frame %d', (frame, dueUs, keyFrame) => {
    const provider = new FileProvider(presentationOf([VIDEO, AUDIO]), [0, 1]);
    expect(provider.keyFrameFrom(0, frame, dueUs)).toBe(keyFrame);
  });
});
