/** The addon in many workers at once, which are ended in the middle of everything: the process lives and ends cleanly. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const TIMEOUT_MS = 30_000;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function churn(behaviour: string): Promise<Ended> {
  const child = spawn(process.execPath, [join(__dirname, 'worker-churn.js'), behaviour], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

describe('workers with the addon', () => {
  it.each([
    ['signals', ['exit code 1'], false],
    ['sending', ['exit code 1'], true],
    ['busy callback', ['exit code 1'], false],
    ['throwing callback', ['exit code 1', 'thrown by the callback'], false],
    ['exit in callback', ['exit code 7'], false],
    ['end of work', ['exit code 0'], true],
  ])(
    'leave no file mapped and the process ends well: %s',
    async (behaviour, seen, contexts) => {
      const { code, signal, stdout, stderr } = await churn(behaviour);
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ seen, files: 0, contexts, left: 0 });
    },
    TIMEOUT_MS,
  );
});
