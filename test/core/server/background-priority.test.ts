/** Who yields to whom when there are fewer cores than threads with work, as the kernel tells it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { BLOCKING_NICENESS, RUNTIME_NICENESS } from '@finch/core';
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';

/** The threads of this process, with their niceness (proc(5): the 19th field of stat, the 17th behind the name). */
function nicenesses(): Map<string, number> {
  return new Map(
    readdirSync('/proc/self/task').map((id) => {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
      return [id, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])];
    }),
  );
}

const BLOCKING_THREADS = 3;
const CHILD = `
  const { yieldRuntimeThreads } = require(${JSON.stringify(require.resolve('@finch/core/server/background-priority'))});
  const { readdirSync, readFileSync } = require('node:fs');
  const before = readdirSync('/proc/self/task');
  yieldRuntimeThreads();
  console.log(JSON.stringify(before.map((id) => {
    const stat = readFileSync('/proc/self/task/' + id + '/stat', 'utf8');
    return [Number(id) === process.pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])];
  })));
`;

const isUsual = process.platform === 'linux' && getPriority() < BLOCKING_NICENESS;
(isUsual ? describe : describe.skip)(
  'background threads (needs Linux, and not to be started with nice)',
  () => {
    let finch: FinchUnderTest | undefined;
    afterEach(() => finch?.stop());

    it('blocking threads yield to task threads, whose niceness stays as it was', async () => {
      const before = nicenesses();
      finch = await startFinch({ threads: 2, blockingThreads: BLOCKING_THREADS });
      const added = [...nicenesses()].filter(([id]) => !before.has(id)).map(([, niceness]) => niceness);
      expect(added.filter((niceness) => niceness === BLOCKING_NICENESS).length).toBe(BLOCKING_THREADS);
      expect(added.filter((niceness) => niceness === getPriority()).length).toBeGreaterThanOrEqual(2);
      for (const [id, niceness] of before) expect(nicenesses().get(id) ?? niceness).toBe(niceness);
    });

    it("the runtime's own threads yield most, and the main thread does not", () => {
      const told = execFileSync(process.execPath, ['-e', CHILD], { encoding: 'utf8' });
      const threads = JSON.parse(told) as [boolean, number][];
      expect(threads.filter(([isMain]) => isMain)).toEqual([[true, getPriority()]]);
      const others = threads.filter(([isMain]) => !isMain).map(([, niceness]) => niceness);
      expect(others.length).toBeGreaterThan(0);
      expect(new Set(others)).toEqual(new Set([RUNTIME_NICENESS]));
    });
  },
);
