/** The pull pipe: both ends hear of its making and of its end, once. */
import { PullPipe, type PullProvider } from '@finch/core';
import { emptyProvider } from './empty-provider';

/** Ends that write down what they are told. */
function ends(changes: Partial<PullProvider> = {}) {
  const told: string[] = [];
  const provider: PullProvider = {
    ...emptyProvider,
    connected: () => told.push('provider connected'),
    disconnected: () => told.push('provider disconnected'),
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

  it('hands the provider to the consumer', () => {
    const { provider, consumer } = ends();
    expect(new PullPipe(provider, consumer).provider).toBe(provider);
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
