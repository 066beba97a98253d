import { readFileSync } from 'node:fs';
import { runClient } from './clients';
import { eventually } from './deadline';

const timeoutMs = 10_000;

/** A killed process that nobody has waited for yet still has an entry, in state Z. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('runClient', () => {
  it('gives exit code and both outputs', async () => {
    const result = await runClient('sh', ['-c', 'echo out; echo err >&2; exit 3'], { timeoutMs });
    expect(result).toEqual({
      exitCode: 3,
      signal: null,
      isTimedOut: false,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('kills the whole group at the timeout', async () => {
    const result = await runClient('sh', ['-c', 'sleep 60 & echo $!; wait'], { timeoutMs: 150 });
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', isTimedOut: true });
    await eventually(() => expect(isAlive(Number(result.stdout))).toBe(false)); // a signal is taken in its time
  });

  it('kills what a client leaves behind', async () => {
    const result = await runClient('sh', ['-c', 'sleep 60 & echo $!'], { timeoutMs });
    expect(result).toMatchObject({ exitCode: 0, isTimedOut: false });
    await eventually(() => expect(isAlive(Number(result.stdout))).toBe(false)); // a signal is taken in its time
  });

  it('rejects when the command is not there', async () => {
    await expect(runClient('no-such-client', [], { timeoutMs })).rejects.toThrow('ENOENT');
  });

  it('runs as nobody with a home of its own when we are root', async () => {
    const script = 'id -un; test -w "$HOME" && echo writable';
    const result = await runClient('sh', ['-c', script], { timeoutMs, asNobody: true });
    if (process.getuid?.() === 0) expect(result.stdout).toBe('nobody\nwritable\n');
    else expect(result.stdout).toContain('writable');
  });
});
