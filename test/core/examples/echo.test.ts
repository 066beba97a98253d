/** The examples of core, run as their head comments say: they echo, whatever the client does, and end when told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { patternBytes } from '../../native/file-under-test';
import { expectBytes } from '../../native/sockets-under-test';

const EXAMPLES = join(dirname(require.resolve('@finch/core')), 'examples');

describe.each(['echo-task', 'echo-coroutine'])('%s', (name) => {
  let child: ChildProcess;
  let port: number;
  let output: string;

  beforeEach(async () => {
    child = spawn(process.execPath, [join(EXAMPLES, `${name}.js`), '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    output = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    const [line]: Buffer[] = await once(child.stdout!, 'data');
    port = Number(/^echo listens on 127\.0\.0\.1:(\d+)$/m.exec(line!.toString())![1]);
  });
  afterEach(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(output).toBe('');
  });

  async function open(): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  async function take(socket: Socket, sizeBytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = sizeBytes; left > 0; ) {
      const piece: Buffer | null = socket.read();
      if (piece === null) await once(socket, 'readable');
      else left -= pieces[pieces.push(piece) - 1]!.length;
    }
    return Buffer.concat(pieces);
  }

  it('echoes to several clients, and ends a connection with its client', async () => {
    const sockets = await Promise.all([open(), open(), open()]);
    for (const [i, socket] of sockets.entries()) socket.write(`hello ${i}`);
    for (const [i, socket] of sockets.entries())
      expect((await take(socket, 7)).toString()).toBe(`hello ${i}`);
    for (const socket of sockets) {
      const ended = once(socket, 'end');
      socket.end();
      socket.resume();
      await ended;
    }
  });

  it('echoes more than the sockets hold to a client that reads late', async () => {
    const socket = await open();
    const bytes = Buffer.from(patternBytes(12_000_000));
    socket.write(bytes); // nobody reads: it is the server that has to wait
    await take(socket, 1).then((first) => socket.unshift(first));
    expectBytes(await take(socket, bytes.length), bytes);
    socket.destroy();
  });

  it('lives on when a client resets', async () => {
    const rude = await open();
    rude.write(Buffer.alloc(5_000_000));
    await once(rude, 'readable');
    rude.resetAndDestroy();
    const socket = await open();
    socket.write('still there');
    expect((await take(socket, 11)).toString()).toBe('still there');
    socket.destroy();
  });
});
