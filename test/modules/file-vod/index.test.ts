/** The module as its host sees it. */
import { finchModule } from '@finch/file-vod';

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

describe('the file-vod module', () => {
  it('handles its two jobs on a blocking thread', () => {
    const jobs: string[] = [];
    finchModule.onBlockingThread!({ settings: { root: '/' }, log: silent, handle: (job) => jobs.push(job) });
    expect(jobs).toEqual(['file-vod.open', 'file-vod.close']);
  });

  it('refuses to start without a media folder, and names the setting', () => {
    const start = () => finchModule.onBlockingThread!({ settings: {}, log: silent, handle: () => {} });
    expect(start).toThrow(new TypeError('file-vod needs the setting "root", a folder'));
  });
});
