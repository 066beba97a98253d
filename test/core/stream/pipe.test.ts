/** The pull pipe: both ends hear of its making and of its end, once. */
import { ALL_FRAMES, Frame, PullPipe, type PullProvider } from '@finch/core';

/** Ends that write down what they are told. */
function ends(changes: Partial<PullProvider> = {}) {
  const told: string[] = [];
  const provider: PullProvider = {
    connected: () => told.push('provider connected'),
    disconnected: () => told.push('provider disconnected'),
    pull: (into) => {
      into.index = 5;
      return true;
    },
    nextFrame: (track) => track + 10,
    skipTo: (track, frame) => told.push(`skipped to ${frame} of ${track}`),
    seek: (timeUs) => timeUs - 1,
    reorder: ({ isSilent }) => told.push(`reordered, silent: ${isSilent}`),
    canFollow: ({ keyFramesOnly }) => keyFramesOnly,
    keyFrameFrom: (_track, frame) => frame + 20,
    ...changes,
  };
  const consumer = {
    connected: () => void told.push('consumer connected'),
    disconnected: () => void told.push('consumer disconnected'),
  };
  return { told, provider, consumer };
}

describe('a pull pipe', () => {
  it('tells both ends of connecting and of disconnecting, once, the provider first', () => {
    const { told, provider, consumer } = ends();
    const pipe = new PullPipe(provider, consumer);
    expect(told).toEqual(['provider connected', 'consumer connected']);
    expect(pipe.isConnected).toBe(true);
    told.length = 0;
    pipe.disconnect();
    pipe.disconnect();
    expect(told).toEqual(['provider disconnected', 'consumer disconnected']);
    expect(pipe.isConnected).toBe(false);
  });

  it('passes calls on while it is connected, and answers for the provider after that', () => {
    const { told, provider, consumer } = ends();
    const pipe = new PullPipe(provider, consumer);
    const frame = new Frame();
    expect([pipe.pull(frame), frame.index, pipe.nextFrame(1), pipe.seek(100)]).toEqual([true, 5, 11, 99]);
    pipe.skipTo(1, 7);
    expect(told.at(-1)).toBe('skipped to 7 of 1');
    pipe.reorder({ ...ALL_FRAMES, isSilent: true }, frame);
    expect(told.at(-1)).toBe('reordered, silent: true');
    const keyFrames = { ...ALL_FRAMES, keyFramesOnly: true };
    expect([pipe.canFollow(keyFrames), pipe.keyFrameFrom(1, 3, 0)]).toEqual([true, 23]);
    pipe.disconnect();
    told.length = 0;
    pipe.skipTo(1, 8);
    pipe.reorder(ALL_FRAMES, null);
    expect([pipe.canFollow(keyFrames), pipe.keyFrameFrom(1, 3, 0)]).toEqual([false, -1]);
    expect(told).toEqual([]);
    frame.index = 0;
    expect([pipe.pull(frame), frame.index, pipe.nextFrame(1), pipe.seek(100)]).toEqual([false, 0, -1, 100]);
  });

  it('tells the consumer though the provider throws', () => {
    const { told, provider, consumer } = ends({
      disconnected: () => {
        throw new Error('as a test');
      },
    });
    const pipe = new PullPipe(provider, consumer);
    told.length = 0;
    expect(() => pipe.disconnect()).toThrow('as a test');
    expect(told).toEqual(['consumer disconnected']);
    pipe.disconnect();
    expect(told).toEqual(['consumer disconnected']);
  });

  it('is ended already when its ends are told, so they may end it again', () => {
    const seen: boolean[] = [];
    const { provider } = ends({ disconnected: () => end() });
    const pipe = new PullPipe(provider, { disconnected: () => end() });
    const end = () => {
      seen.push(pipe.isConnected);
      pipe.disconnect();
    };
    pipe.disconnect();
    expect(seen).toEqual([false, false]);
  });

  it('takes ends that do not care for connecting', () => {
    const { provider } = ends();
    const { connected: _, ...silent } = provider;
    expect(new PullPipe(silent, { disconnected: () => {} }).isConnected).toBe(true);
  });
});
