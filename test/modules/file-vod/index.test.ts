/** The module as its host sees it. */
import { MemoryBudget } from '@finch/core';
import { finchModule } from '@finch/file-vod';

const memory = new MemoryBudget(1 << 30);
const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

describe('the file-vod module', () => {
  it('handles its two jobs on a blocking thread, and gives its files back when that ends', () => {
    const jobs: string[] = [];
    const stopHooks: (() => void)[] = [];
    finchModule.onBlockingThread!({
      settings: { root: '/' },
      memory,
      log: silent,
      handle: (job) => jobs.push(job),
      onStop: (stopping) => stopHooks.push(stopping),
    });
    expect(jobs).toEqual(['file-vod.open', 'file-vod.close']);
    expect(stopHooks).toHaveLength(1);
  });

  it('refuses to start without a media folder, and names the setting', () => {
    const host = { settings: {}, memory, log: silent, handle: () => {}, onStop: () => {} };
    const start = () => finchModule.onBlockingThread!(host);
    expect(start).toThrow(new TypeError('file-vod needs the setting "root", a folder'));
  });
});
