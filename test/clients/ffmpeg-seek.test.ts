/** ffmpeg jumps to several places, over UDP and over TCP, all at once: PAUSE, then PLAY with Range (RFC 2326 §10.5, §12.29). */
import { clientOrSkip } from '../support/clients';
import { CARRIERS, type Carrier, commonTail, delaysOf, receive } from '../support/media-frames';
import { KEY_INTERVAL_S, type MovieName } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';

const MOVIE_S = 5;
const PLAY_TIMEOUT_MS = 50_000;
const NAMES: readonly MovieName[] = ['moov-first.mp4', 'b-frames.mp4'];
/** Between key frames, on one, just behind one and in the last group of pictures; away from 1 s, where ffmpeg's probe ends. */
const POINTS_S: readonly number[] = [0.5, 3, 3.08, 3.5, 4.7];
/** How much earlier ffmpeg asks where there are B-frames: three frames of 23 Hz (its seek heuristic). */
const B_FRAME_LEAD_S = 3 / 23;
/** Of AAC at 48 kHz. */
const UNIT_S = 1024 / 48_000;
/** It also counts from the first frame of the movie, which is a unit of sound before 0. */
const START_LEAD_S = UNIT_S;
const TIME_TOLERANCE_S = 0.003;
/** What was in ffmpeg's sockets when it said PAUSE is seen at the new place: the packets of a moment, more on a busy machine. */
const MAX_STRAY_FRAMES = 30;
/** Units of sound in a packet, at most. The first packet is sent whole, and ffmpeg guesses the times within it. */
const PACKET_UNITS = 6;

type Case = readonly [name: MovieName, carrier: Carrier, pointS: number];
const cases = NAMES.flatMap((name) =>
  CARRIERS.flatMap((carrier) => POINTS_S.map((pointS): Case => [name, carrier, pointS])),
);

jest.setTimeout(120_000);

const server = serveMovies({ names: NAMES, durationS: MOVIE_S });

clientOrSkip('ffmpeg')('ffmpeg seeks', () => {
  const receptionOf = server.beginEach(cases, (name, carrier, seekS) => {
    const options = { url: server.finch.url(name), carrier, seekS, timeoutMs: PLAY_TIMEOUT_MS };
    return receive(server.output, name, options);
  });

  /** What was received from the place on, and the whole file. */
  async function arrivedAt(parts: Case) {
    const file = await server.framesOf(parts[0]);
    const { client, videos, audios } = await receptionOf(...parts);
    const [pictures, units] = [videos[0]!, audios[0]!];
    const [filePictures, fileUnits] = [file.videos[0]!, file.audios[0]!];
    const pictureCount = commonTail(pictures, filePictures);
    const unitCount = commonTail(units, fileUnits);
    return {
      client,
      strays: [pictures.length - pictureCount, units.length - unitCount],
      pictures: pictureCount === 0 ? [] : pictures.slice(-pictureCount),
      units: unitCount === 0 ? [] : units.slice(-unitCount),
      file: { pictures: filePictures, units: fileUnits },
      firstPicture: filePictures[filePictures.length - pictureCount],
      firstUnit: fileUnits[fileUnits.length - unitCount],
    };
  }

  it.each(cases)(
    'in %s over %s to %d s, and decodes from there to the end without an error',
    async (...parts) => {
      const { client, strays } = await arrivedAt(parts);
      const { exitCode, isTimedOut, stderr } = client;
      expect({ exitCode, isTimedOut, stderr: withoutStrays(parts[1], stderr) }).toEqual({
        exitCode: 0,
        isTimedOut: false,
        stderr: '',
      });
      for (const count of strays) expect(count).toBeLessThanOrEqual(MAX_STRAY_FRAMES);
    },
  );

  it.each(cases)('in %s over %s to %d s: pictures from the key frame at or before it', async (...parts) => {
    const [name, , pointS] = parts;
    const { firstPicture } = await arrivedAt(parts);
    const askedS = pointS - START_LEAD_S - (name === 'b-frames.mp4' ? B_FRAME_LEAD_S : 0);
    const keyFrameS = Math.floor(askedS / KEY_INTERVAL_S) * KEY_INTERVAL_S;
    expect(firstPicture?.ptsS).toBeCloseTo(keyFrameS, 3);
  });

  it.each(cases)(
    'in %s over %s to %d s: sound from the packet that plays with that picture',
    async (...parts) => {
      const { firstPicture, firstUnit } = await arrivedAt(parts);
      const earlierS = firstPicture!.ptsS - firstUnit!.ptsS;
      expect(earlierS).toBeGreaterThan(-UNIT_S / 2);
      expect(earlierS).toBeLessThanOrEqual(PACKET_UNITS * UNIT_S);
    },
  );

  it.each(cases)('in %s over %s to %d s: picture and sound at the times of the file', async (...parts) => {
    const { pictures, units, file } = await arrivedAt(parts);
    const delays = [
      ...delaysOf(pictures.slice(1), file.pictures), // ffmpeg's parser gives the first access unit no time at all
      ...delaysOf(units.slice(PACKET_UNITS), file.units),
    ];
    expect(delays.length).toBeGreaterThan(0);
    expect(delays.filter((delayS) => !(Math.abs(delayS) <= TIME_TOLERANCE_S))).toEqual([]);
  });
});

/** Over UDP half a picture may be among what is left in the sockets; that the pictures from the place on are whole shows otherwise. */
function withoutStrays(carrier: Carrier, stderr: string): string {
  return carrier === 'tcp' ? stderr : stderr.replace(/^\[(h264|aac) @ .*\n/gm, '');
}
