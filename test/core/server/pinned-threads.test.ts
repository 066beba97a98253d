/** Task threads that stay on a processor each, as the kernel tells it. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';

/** The processors that each thread of this process may run on, sorted. */
function allowed(): string[] {
  const statusOf = (id: string) => readFileSync(`/proc/self/task/${id}/status`, 'utf8');
  return readdirSync('/proc/self/task')
    .map((id) => /Cpus_allowed_list:\s*(\S+)/.exec(statusOf(id))![1]!)
    .sort();
}

const onLinux = process.platform === 'linux' && availableParallelism() > 1;
(onLinux ? describe : describe.skip)('--pin-threads (needs Linux and two processors)', () => {
  let finch: FinchUnderTest;
  afterEach(() => finch.stop());

  it('on: each task thread has one processor, and not the same', async () => {
    const before = allowed().filter((list) => /^\d+$/.test(list));
    finch = await startFinch({ threads: 2, pinThreads: 'on' });
    const pinned = allowed().filter((list) => /^\d+$/.test(list) && !before.includes(list));
    expect(pinned.length).toBe(2);
    expect(new Set(pinned).size).toBe(2);
  });

  it('off: the kernel places them', async () => {
    const before = allowed().filter((list) => /^\d+$/.test(list)).length;
    finch = await startFinch({ threads: 2 });
    expect(allowed().filter((list) => /^\d+$/.test(list)).length).toBe(before);
  });
});
