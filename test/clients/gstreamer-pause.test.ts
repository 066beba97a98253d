/** A viewer with a remote control: a pause and a resume lose nothing (RFC 2326 §10.5, §10.6), shown with GStreamer. */
import { gstreamerOfPythonOrSkip } from '../support/clients';
import { CARRIERS, type Carrier } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import type { MovieName } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';

jest.setTimeout(120_000);

/** Plays, is paused, plays, is paused, and plays to the end. */
const TURNS_S = [1, 0.7, 0.8, 0.4];
const PLAY_TIMEOUT_MS = 50_000;
const NAMES: readonly MovieName[] = ['moov-first.mp4', 'b-frames.mp4'];
const cases = NAMES.flatMap((name) => CARRIERS.map((carrier): [MovieName, Carrier] => [name, carrier]));

const server = serveMovies({ names: NAMES, durationS: 4 });

gstreamerOfPythonOrSkip()('GStreamer that pauses twice', () => {
  const receptionOf = server.beginEach(cases, (name, carrier) => {
    const options = { url: server.finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS, turnsS: TURNS_S };
    return receiveByGstreamer(server.output, name, options);
  });

  it.each(cases)('plays %s over %s to the end', async (name, carrier) => {
    const { exitCode, stdout, stderr } = (await receptionOf(name, carrier)).client;
    expect({ exitCode, stdout, stderr }).toMatchObject({
      exitCode: 0,
      stdout: 'play\npause\nplay\npause\nplay\nend\n',
    });
  });

  it.each(cases)('gets every picture and all sound of %s over %s', async (name, carrier) => {
    const { videoFile, soundFile } = await receptionOf(name, carrier);
    await server.expectEveryPicture(name, videoFile);
    await server.expectAllSound(name, soundFile);
  });
});
