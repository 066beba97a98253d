/**
 * SMPTE time codes: hours, minutes, seconds, frames and hundredths of a frame. Called by Range. Rule: what
 * goes in and out is seconds of normal play time, so that nothing behind this file counts frames. Spec: RFC 2326
 * §3.5.
 *
 *   10:12:33:20.05  =  10 h 12 min 33 s, frame 20 and 5/100
 */

/**
 * Frame rate as a fraction and frame numbers per second of the known formats; `smpte` means `smpte-30-drop`.
 */
const SMPTE_FORMATS = {
  smpte: { timescale: 30_000, frameTicks: 1001, frameNumbers: 30, isDropFrame: true },
  'smpte-30-drop': { timescale: 30_000, frameTicks: 1001, frameNumbers: 30, isDropFrame: true },
  'smpte-25': { timescale: 25, frameTicks: 1, frameNumbers: 25, isDropFrame: false },
} as const;

/** Names a SMPTE format of Range. */
export type SmpteFormat = keyof typeof SMPTE_FORMATS;

const SMPTE_TIME = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.(\d{1,2}))?$/;

/** Frame numbers left out at the start of every minute that is no multiple of ten. */
const DROPPED_FRAME_NUMBERS = 2;
/** Hours have two digits: from here on a time has no time code. */
const END_SECONDS = 100 * 3600;
const HUNDREDTHS = 100;

/** Tells whether `unit` names a SMPTE format. */
export function isSmpteFormat(unit: string): unit is SmpteFormat {
  return Object.hasOwn(SMPTE_FORMATS, unit);
}

/** Parses a time code to seconds, 0..360000; undefined when it is malformed. */
export function parseSmpteTime(format: SmpteFormat, text: string): number | undefined {
  const { timescale, frameTicks, frameNumbers, isDropFrame } = SMPTE_FORMATS[format];
  const match = SMPTE_TIME.exec(text);
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const frame = Number(match[4] ?? 0) + Number((match[5] ?? '').padEnd(2, '0')) / HUNDREDTHS;
  if (minutes > 59 || seconds > 59 || frame >= frameNumbers) return undefined;
  const minute = hours * 60 + minutes;
  const frames = (minute * 60 + seconds) * frameNumbers + frame;
  return ((isDropFrame ? realFrames(frames, minute, frameNumbers) : frames) * frameTicks) / timescale;
}

/**
 * Takes away the frame numbers that were dropped up to `minute`; a dropped number means the first frame after
 * it.
 */
function realFrames(frames: number, minute: number, frameNumbers: number): number {
  const isDropMinute = minute % 10 !== 0;
  const first = minute * 60 * frameNumbers + DROPPED_FRAME_NUMBERS;
  const existing = isDropMinute ? Math.max(frames, first) : frames;
  return existing - DROPPED_FRAME_NUMBERS * (minute - Math.floor(minute / 10));
}

/** Tells whether a time in seconds can be said as a time code, of every format. */
export function isSmpteSeconds(seconds: number): boolean {
  return seconds >= 0 && seconds < END_SECONDS - 1;
}

/** Formats seconds as a time code with frames, and hundredths of a frame where there are any. RangeError outside of 0..100 h. */
export function formatSmpteTime(format: SmpteFormat, seconds: number): string {
  if (!isSmpteSeconds(seconds)) throw new RangeError(`seconds must be below 100 hours: ${seconds}`);
  const { timescale, frameTicks, frameNumbers, isDropFrame } = SMPTE_FORMATS[format];
  const total = Math.round((seconds * timescale * HUNDREDTHS) / frameTicks);
  const hundredths = total % HUNDREDTHS;
  const frames = (total - hundredths) / HUNDREDTHS;
  const number = isDropFrame ? numberOf(frames, frameNumbers) : frames;
  const whole = Math.floor(number / frameNumbers);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60, number % frameNumbers];
  return parts.map(twoDigits).join(':') + (hundredths === 0 ? '' : `.${twoDigits(hundredths)}`);
}

/** Adds the frame numbers that are dropped up to a frame: two in every minute but the tenth. */
function numberOf(frame: number, frameNumbers: number): number {
  const framesPerMinute = 60 * frameNumbers - DROPPED_FRAME_NUMBERS;
  const framesPerTen = 10 * framesPerMinute + DROPPED_FRAME_NUMBERS;
  const tens = Math.floor(frame / framesPerTen);
  // The first minute of ten has two frames more.
  const minutes = Math.floor(Math.max((frame % framesPerTen) - DROPPED_FRAME_NUMBERS, 0) / framesPerMinute);
  return frame + DROPPED_FRAME_NUMBERS * (9 * tens + minutes);
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
