/** What the machine lets the process have. Spec: proc(5). */
import { execFileSync } from 'node:child_process';
import { totalmem } from 'node:os';
import { connectionsByDescriptors, defaultMemoryBudgetBytes } from '@finch/core';

describe('limits of the machine', () => {
  it('half of the memory is for clients, of the container where that has less', () => {
    expect(defaultMemoryBudgetBytes()).toBeGreaterThan(0);
    expect(defaultMemoryBudgetBytes()).toBeLessThanOrEqual(totalmem() / 2);
  });

  it('descriptors bound the connections, and some are kept for other things', () => {
    const program = `const { connectionsByDescriptors } = require(${JSON.stringify(require.resolve('@finch/core/server/machine-limits'))});
      console.log(connectionsByDescriptors());`;
    const found = execFileSync('sh', ['-c', 'ulimit -n 500 && exec "$0" -e "$1"', process.execPath, program]);
    expect(Number(found)).toBeGreaterThan(350);
    expect(Number(found)).toBeLessThan(500 - 64);
    expect(connectionsByDescriptors()).toBeGreaterThan(0);
  });
});
