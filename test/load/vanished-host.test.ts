/**
 * A host that is gone without a word, no FIN and no reset: the server's own times end all it had, and the kernel's are not waited
 * for. Only a link that is taken down shows it: needs a network namespace.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../support/finch-under-test';
import { NetworkNamespace, networkNamespacesOrSkip } from '../support/network-namespace';

const CLIENTS = 4;
/** The times below, one after the other, on a busy machine; the kernel alone would take a quarter of an hour. */
const GONE_MS = 40_000;

networkNamespacesOrSkip()('a host that vanishes', () => {
  let link: NetworkNamespace;
  let finch: FinchUnderTest;
  beforeAll(async () => {
    link = new NetworkNamespace();
    const times = { sessionTimeoutSeconds: 5, idleTimeoutSeconds: 4 };
    finch = await startFinch({ hosts: [link.serverHost], ...times });
  });
  afterAll(async () => {
    await finch?.stop();
    link?.remove();
  });

  it(
    'costs nothing any more when session and idle times have passed',
    async () => {
      const script = [join(__dirname, 'vanishing-clients.js'), link.serverHost, String(finch.port), SAMPLE];
      const { command, args } = link.inside(process.execPath, script);
      const clients = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const exit = once(clients, 'exit');
      try {
        const [said] = await once(clients.stdout, 'data');
        expect(String(said)).toBe('ready\n');
        expect((await finch.server.inspect()).connections).toBe(CLIENTS);
        link.cut();
      } finally {
        clients.kill('SIGKILL');
        await exit;
      }
      await eventually(async () => {
        const { connections, memory } = await finch.server.inspect();
        expect([connections, memory.connections, memory.sessions]).toEqual([0, 0, 0]);
      }, GONE_MS);
    },
    2 * GONE_MS,
  );
});
