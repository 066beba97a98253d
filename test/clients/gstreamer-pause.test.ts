/** A viewer with a remote control: a pause and a resume lose nothing (RFC 2326 §10.5, §10.6), shown with GStreamer. */
import { readFileSync } from 'node:fs';
import { gstreamerOfPythonOrSkip } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import {
  CARRIERS,
  type Carrier,
  compareFrames,
  framesOfFile,
  picturesOfStream,
  sameFrames,
} from '../support/media-frames';
import { type GstreamerReception, receiveByGstreamer, soundBytesOfFile } from '../support/media-gstreamer';
import { type MovieName, makeMovies } from '../support/media-movies';

const MOVIE_S = 4;
/** Plays, is paused, plays, is paused, and plays to the end. */
const TURNS_S = [1, 0.7, 0.8, 0.4];
const PLAY_TIMEOUT_MS = 25_000;
const NAMES: readonly MovieName[] = ['moov-first.mp4', 'b-frames.mp4'];
const cases = NAMES.flatMap((name) => CARRIERS.map((carrier): [MovieName, Carrier] => [name, carrier]));

gstreamerOfPythonOrSkip()('GStreamer that pauses twice', () => {
  const folder = temporaryFolder();
  const output = temporaryFolder();
  const receptions = new Map<string, GstreamerReception>();
  let finch: FinchUnderTest;

  beforeAll(async () => {
    await makeMovies(folder.path, MOVIE_S, NAMES);
    finch = await startFinch({ media: folder.path });
    await Promise.all(
      cases.map(async ([name, carrier]) => {
        const options = { url: finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS, turnsS: TURNS_S };
        receptions.set(`${name} ${carrier}`, await receiveByGstreamer(output.path, name, options));
      }),
    );
  }, 60_000);

  afterAll(async () => {
    await finch?.stop();
    folder.remove();
    output.remove();
  });

  it.each(cases)('plays %s over %s to the end', (name, carrier) => {
    const { exitCode, stdout, stderr } = receptions.get(`${name} ${carrier}`)!.client;
    expect({ exitCode, stdout, stderr }).toMatchObject({
      exitCode: 0,
      stdout: 'play\npause\nplay\npause\nplay\nend\n',
    });
  });

  it.each(cases)('gets every picture and all sound of %s over %s', async (name, carrier) => {
    const { videoFile, soundFile } = receptions.get(`${name} ${carrier}`)!;
    const file = (await framesOfFile(folder.path, name)).videos[0]!;
    expect(compareFrames(await picturesOfStream(videoFile), file)).toBe(sameFrames(file.length));
    const sound = await soundBytesOfFile(folder.path, name);
    expect(readFileSync(soundFile).equals(sound)).toBe(true);
  });
});
