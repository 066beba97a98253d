/** The addon's mapped files: what may be opened, and how long it lives. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { native } from '@finch/native';
import { Folder, opened, patternBytes } from './file-under-test';
import { MadeBatch, makePlan } from './made-plan';
import { EBADF, EINVAL, EISDIR, ELOOP, ENOENT, UdpSink } from './sockets-under-test';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
  expect(native.fileCount()).toBe(0);
});
afterEach(() => {
  folder.remove();
  expect(native.fileCount()).toBe(0);
});

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe('fileOpen', () => {
  it('tells size, time and identity, and gives a descriptor to read from', () => {
    const path = folder.write('movie', patternBytes(5000));
    const file = opened(native.fileOpen(path));
    const status = statSync(path);
    expect(file).toMatchObject({ sizeBytes: 5000, device: status.dev, inode: status.ino });
    expect(file.modifiedMs).toBe(Math.floor(status.mtimeMs));
    const bytes = new Uint8Array(10);
    expect(readSync(file.fd, bytes, 0, 10, 100)).toBe(10);
    expect(bytes).toEqual(patternBytes(5000).subarray(100, 110));
    expect(native.fileClose(file.id)).toBe(0);
  });

  it('maps an empty file', () => {
    const file = opened(native.fileOpen(folder.write('empty', '')));
    expect(file.sizeBytes).toBe(0);
    expect(native.fileClose(file.id)).toBe(0);
  });

  it('gives every opening an id of its own', () => {
    const path = folder.write('movie', 'x');
    const files = [opened(native.fileOpen(path)), opened(native.fileOpen(path))];
    expect(files[0]!.id).not.toBe(files[1]!.id);
    expect(native.fileCount()).toBe(2);
    for (const { id } of files) native.fileClose(id);
  });

  it.each([
    ['nothing', () => join(folder.path, 'nothing'), ENOENT],
    ['a folder', () => folder.path, EISDIR],
    ['a FIFO, without waiting for its writer', () => fifo('fifo'), EINVAL],
    ['a character device', () => '/dev/zero', EINVAL],
    ['a symbolic link', () => link('link', folder.write('target', 'x')), ELOOP],
    ['a file behind a linked folder', () => fileBehindLink(), ELOOP],
    ['a file below a file', () => join(folder.write('file', 'x'), 'below'), constants.errno.ENOTDIR],
    [
      'a path with a name that is too long',
      () => join(folder.path, 'x'.repeat(300)),
      constants.errno.ENAMETOOLONG,
    ],
  ])('refuses %s and keeps no descriptor', (_, makePath, error) => {
    const path = makePath();
    const before = openDescriptors();
    expect(native.fileOpen(path)).toBe(-error);
    expect(openDescriptors()).toBe(before);
  });

  it('refuses a socket', async () => {
    const path = join(folder.path, 'socket');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(native.fileOpen(path)).toBeLessThan(0);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('fileClose', () => {
  it('closes the descriptor, once', () => {
    const before = openDescriptors();
    const { id } = folder.map('movie', patternBytes(10));
    expect(openDescriptors()).toBe(before + 1);
    expect(native.fileClose(id)).toBe(0);
    expect(openDescriptors()).toBe(before);
    expect(native.fileClose(id)).toBe(-EBADF);
    expect(native.fileClose(0)).toBe(-EBADF);
  });

  it('leaves the mapping to a plan that holds it', () => {
    const bytes = patternBytes(100);
    const file = folder.map('movie', bytes);
    const batch = new MadeBatch();
    const sink = new UdpSink();
    const plan = batch.native.addPlan(
      makePlan([{ prefix: new Uint8Array(0), offset: 10, sizeBytes: 20 }]),
      file.id,
    );
    native.fileClose(file.id);
    expect(native.fileCount()).toBe(1);
    expect(batch.native.addPlan(makePlan([]), file.id)).toBe(-EBADF);
    batch.addUdpRun({ fd: sink.fd, plan, packets: 1 }, sink.address);
    expect(batch.flush()).toEqual([]);
    expect(sink.take(1)[0]!.subarray(12)).toEqual(Buffer.from(bytes.subarray(10, 30)));
    batch.native.removePlan(plan);
    expect(native.fileCount()).toBe(0);
    sink.close();
  });

  it('leaves it to the plan until the batch is closed, too', () => {
    const file = folder.map('movie', patternBytes(100));
    const batches = [new MadeBatch(), new MadeBatch()];
    for (const batch of batches) batch.native.addPlan(makePlan([]), file.id);
    native.fileClose(file.id);
    batches[0]!.native.close();
    expect(native.fileCount()).toBe(1);
    batches[1]!.native.close();
    batches[1]!.native.close();
  });
});

function fifo(name: string): string {
  const path = join(folder.path, name);
  execFileSync('mkfifo', [path]);
  return path;
}

function link(name: string, target: string): string {
  const path = join(folder.path, name);
  symlinkSync(target, path);
  return path;
}

function fileBehindLink(): string {
  const real = join(folder.path, 'real');
  mkdirSync(real);
  folder.write('real/movie', 'x');
  return join(link('linked', real), 'movie');
}
