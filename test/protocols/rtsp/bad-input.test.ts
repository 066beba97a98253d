/**
 * Files that are no movies, names that lead elsewhere, and files that change while they play: each is answered or ended
 * cleanly, named in the log, and nobody else notices. Spec: RFC 2326 §11.3; RFC 3550 §6.6.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SAMPLE_FOLDER } from '@finch/server/config/index';
import fc from 'fast-check';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { movieBytes, putMovie, type ShortMovie } from '../../support/movies';
import { RtspClient } from '../../support/rtsp-client';
import { type Carrier, Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

const SHORT: ShortMovie = { frames: 20, framesPerSecond: 25 };
/** Larger than what is read ahead of a viewer, so that a truncation reaches him. */
const LONG: ShortMovie = { frames: 250, framesPerSecond: 25, frameBytes: 20_000, keyEvery: 25 };

const folder = temporaryFolder();
const media = join(folder.path, 'media');
const outside = join(folder.path, 'outside');
let finch: FinchUnderTest;
let client: RtspClient;

beforeAll(async () => {
  mkdirSync(join(media, 'sub'), { recursive: true });
  mkdirSync(outside);
  putMovie(media, 'good.mp4', SHORT);
  putMovie(join(media, 'sub'), 'good.mp4', SHORT);
  putMovie(media, '.hidden.mp4', SHORT);
  putMovie(outside, 'secret.mp4', SHORT);
  copyFileSync(join(SAMPLE_FOLDER, SAMPLE), join(media, SAMPLE));
  const sample = readFileSync(join(SAMPLE_FOLDER, SAMPLE));
  writeFileSync(join(media, 'text.mp4'), 'Dear diary, today I was renamed to a movie.\n'.repeat(100));
  writeFileSync(join(media, 'empty.mp4'), '');
  writeFileSync(
    join(media, 'noise.mp4'),
    Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 73) & 0xff)),
  );
  writeFileSync(join(media, 'cut-in-moov.mp4'), movieBytes(SHORT).subarray(0, 300));
  writeFileSync(join(media, 'cut-in-ftyp.mp4'), sample.subarray(0, 6));
  writeFileSync(join(media, 'picture.mp4'), Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
  mkdirSync(join(media, 'folder.mp4'));
  execFileSync('mkfifo', [join(media, 'fifo.mp4')]);
  symlinkSync(join(outside, 'secret.mp4'), join(media, 'link-out.mp4'));
  symlinkSync('../outside', join(media, 'folder-out'));
  symlinkSync('/dev/zero', join(media, 'device.mp4'));
  symlinkSync('good.mp4', join(media, 'link-in.mp4'));
  symlinkSync('nowhere.mp4', join(media, 'dangling.mp4'));
  symlinkSync('loop.mp4', join(media, 'loop.mp4'));
  finch = await startFinch({ media });
});
afterAll(async () => {
  await finch.stop();
  folder.remove();
});
beforeEach(async () => {
  client = await RtspClient.connect({ port: finch.port });
});
afterEach(() => client.close());

const describeStatus = async (path: string): Promise<number> =>
  (await client.request('DESCRIBE', finch.url(path))).status;

describe('DESCRIBE of what is no movie', () => {
  it.each([
    ['text.mp4', 415],
    ['empty.mp4', 415],
    ['noise.mp4', 415],
    ['picture.mp4', 415],
    ['cut-in-moov.mp4', 415],
    ['cut-in-ftyp.mp4', 415],
    ['fifo.mp4', 415],
    ['folder.mp4', 404],
    ['sub', 404],
    ['.hidden.mp4', 404],
    ['link-out.mp4', 404],
    ['folder-out/secret.mp4', 404],
    ['device.mp4', 404],
    ['dangling.mp4', 404],
    ['loop.mp4', 404],
    ['good.mp4/x', 404],
    ['no-such.mp4', 404],
    [`${'x'.repeat(300)}.mp4`, 404],
  ])('%s is answered %i, and the log names it (RFC 2326 §11.3)', async (path, status) => {
    expect(await describeStatus(path)).toBe(status);
    await eventually(() =>
      expect(finch.log.some(({ level, message }) => level === 'warn' && message.includes(path))).toBe(true),
    );
    const setup = await client.request('SETUP', `${finch.url(path)}/trackID=1`, {
      Transport: 'RTP/AVP/TCP;unicast',
    });
    expect(setup.status).toBe(status);
    expect(await describeStatus('good.mp4')).toBe(200);
  });

  it('leaves no file open that could not be served', async () => {
    await describeStatus('good.mp4');
    const { files } = await finch.server.inspect();
    for (const path of ['text.mp4', 'empty.mp4', 'noise.mp4', 'cut-in-moov.mp4', 'fifo.mp4', 'folder.mp4'])
      await describeStatus(path);
    expect((await finch.server.inspect()).files).toBe(files);
  });

  it('a link that stays inside is a movie like any other', async () => {
    expect(await describeStatus('link-in.mp4')).toBe(200);
    expect(await describeStatus('sub/good.mp4')).toBe(200);
  });

  it('a movie cut off in its media plays as far as it goes, or is refused: 415', async () => {
    const bytes = movieBytes(SHORT);
    writeFileSync(join(media, 'cut-in-mdat.mp4'), bytes.subarray(0, bytes.length - 9000));
    const status = await describeStatus('cut-in-mdat.mp4');
    expect([200, 415]).toContain(status);
    if (status === 415) return;
    const viewer = await Viewer.open(finch, { carrier: 'UDP', movie: 'cut-in-mdat.mp4' });
    await viewer.play();
    await viewer.tracks[0]!.byeArrived();
    viewer.tracks[0]!.expectContiguous();
    await viewer.teardown();
    await viewer.close();
  });
});

describe('a path with ".."', () => {
  const dots = fc.constantFrom(
    '..',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '..%2f..',
    '%2e%2e%2f',
    '..%5c..',
    '%252e%252e',
    '...',
  );
  const slash = fc.constantFrom('/', '//', '%2f', '/./', '%5c', '/%2e/', '\\');
  const name = fc.constantFrom(
    'outside',
    'media',
    'sub',
    'secret.mp4',
    'good.mp4',
    '%00',
    'etc',
    '.hidden.mp4',
  );
  const paths = fc
    .array(fc.tuple(fc.oneof(dots, name), slash), { minLength: 1, maxLength: 6 })
    .map((parts) => `/${parts.flat().join('')}secret.mp4`);

  it('never leaves the folder, whatever its encoding (RFC 3986 §2.1)', async () => {
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        client.send(`DESCRIBE rtsp://h${path} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
        const { status } = await client.answer();
        expect([400, 404]).toContain(status);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    '/../outside/secret.mp4',
    '/sub/../../outside/secret.mp4',
    '/%2e%2e/outside/secret.mp4',
    '/..%2foutside%2fsecret.mp4',
    '/sub/%2e%2e%2f%2e%2e%2foutside/secret.mp4',
    '/folder-out/secret.mp4',
    '/%2ehidden.mp4',
  ])('such as %s is 404', async (path) => {
    expect((await client.request('DESCRIBE', `rtsp://h${path}`)).status).toBe(404);
  });
});

describe.each<Carrier>(['UDP', 'TCP'])('a file that changes while it plays over %s', (carrier) => {
  const watch = async (movie: string): Promise<Viewer> => {
    const viewer = await Viewer.open(finch, { carrier, movie });
    await viewer.play();
    await viewer.tracks[0]!.packetsArrived(3);
    return viewer;
  };

  it('truncated: a clean end, a line in the log, and the others play on (RFC 3550 §6.6)', async () => {
    const movie = putMovie(media, `shrinking-${carrier}.mp4`, LONG);
    const bystander = await watch(SAMPLE);
    const [viewer, second] = [await watch(movie), await watch(movie)];
    truncateSync(join(media, movie), 4096);
    const isOver = ({ tracks, client: { isClosed } }: Viewer): boolean => isClosed || tracks[0]!.byes > 0;
    // Over TCP the end may lie within a packet, and then nothing can follow it but the end of the connection.
    for (const each of [viewer, second]) await eventually(() => expect(isOver(each)).toBe(true));
    if (carrier === 'UDP') expect([viewer, second].map(({ tracks }) => tracks[0]!.byes)).toEqual([1, 1]);
    for (const each of [viewer, second]) each.tracks[0]!.expectContiguous();
    const told = finch.log.filter(({ message }) => message.includes(movie) && message.includes('truncated'));
    expect(told.map(({ level }) => level)).toEqual(['warn', 'warn']);
    await bystander.tracks[0]!.morePackets(10);
    bystander.tracks[0]!.expectContiguous();
    await eventually(async () => expect(await describeStatus(movie)).toBe(415));
    await Promise.all([viewer, second, bystander].map((each) => each.close()));
  });

  it('removed: who plays it plays on to its end, new viewers hear 404', async () => {
    const movie = putMovie(media, `removed-${carrier}.mp4`, SHORT);
    const viewer = await watch(movie);
    rmSync(join(media, movie));
    // A movie that is being played is taken as it is for a moment.
    await eventually(async () => expect(await describeStatus(movie)).toBe(404));
    await viewer.tracks[0]!.byeArrived();
    expect(viewer.tracks[0]!.timestampsFromFirst().length).toBe(SHORT.frames);
    await viewer.teardown();
    await viewer.close();
  });

  it('replaced: who plays it keeps the old one, new viewers get the new one', async () => {
    const movie = putMovie(media, `replaced-${carrier}.mp4`, SHORT);
    const viewer = await watch(movie);
    const next = putMovie(media, 'next.part', { ...SHORT, frames: 50 });
    renameSync(join(media, next), join(media, movie));
    await eventually(async () => {
      const { text } = await client.request('DESCRIBE', finch.url(movie));
      expect(text).toContain('a=range:npt=0-2.0');
    });
    await viewer.tracks[0]!.byeArrived();
    expect(viewer.tracks[0]!.timestampsFromFirst().length).toBe(SHORT.frames);
    viewer.tracks[0]!.expectContiguous();
    await viewer.teardown();
    await viewer.close();
  });
});
