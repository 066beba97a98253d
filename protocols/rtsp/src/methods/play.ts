/** PLAY: starts, goes on, moves, or changes its rate; or waits its turn (RFC 2326 §10.5, §12.29, §12.33-§12.35). */
import type { CoroutineBody } from '@finch/core';
import { RtspError } from '../errors';
import { parseBandwidth } from '../headers/delivery-wishes';
import { formatRange, parseRange, type RangeHeader } from '../headers/range';
import { formatRtpInfo } from '../headers/rtp-info';
import { formatScale, formatSpeed, parseScale, parseSpeed } from '../headers/scale-speed';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';

const US_PER_S = 1_000_000;

interface WantedRange {
  readonly fromUs?: number;
  readonly untilUs?: number;
}

/**
 * Plays the session. Range and RTP-Info say where it really starts, Scale and Speed how fast it really goes, if they were
 * asked for. A range that waits for the one before has no RTP-Info: its numbers are not known yet. 457 for a range that is not
 * of this movie, or that runs against Scale; 456 for one in wall-clock time.
 */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* play(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  const scale = optional(exchange.header('Scale'), parseScale);
  const speed = optional(exchange.header('Speed'), parseSpeed);
  const bandwidthBps = optional(exchange.header('Bandwidth'), parseBandwidth);
  const { fromUs, untilUs } = wantedRange(exchange.header('Range'), session.durationUs, scale ?? 1);
  if (bandwidthBps !== undefined) session.player.bandwidthBps = bandwidthBps;
  const played = session.player.play(fromUs, { untilUs, scale, speed });
  const start = played.startUs / US_PER_S;
  const end = played.endUs / US_PER_S;
  const isReverse = played.scale < 0;
  return {
    headers: {
      Session: session.header,
      ...(scale === undefined ? {} : { Scale: formatScale(played.scale) }),
      ...(speed === undefined ? {} : { Speed: formatSpeed(played.speed) }),
      Range: formatRange({
        unit: 'npt',
        start,
        end: isReverse ? Math.min(end, start) : Math.max(end, start),
      }),
      ...(played.isQueued ? {} : { 'RTP-Info': formatRtpInfo(session.rtpInfo(played.startUs)) }),
    },
  };
}

function optional(value: string | undefined, parse: (value: string) => number): number | undefined {
  return value === undefined ? undefined : parse(value);
}

/** The ends of a range in seconds of the movie; `now` is where it stands. 456 for wall-clock time, which a file does not have. */
export function secondsOf(range: RangeHeader): { start: number | undefined; end: number | undefined } {
  if (range.unit === 'clock')
    throw new RtspError('headerNotValid', 'Range: a file has no wall-clock time, expected npt or smpte');
  const { start, end } = range;
  return {
    start: typeof start === 'number' ? start : undefined,
    end: typeof end === 'number' ? end : undefined,
  };
}

function wantedRange(value: string | undefined, durationUs: number, scale: number): WantedRange {
  if (value === undefined) return {};
  const { start, end } = secondsOf(parseRange(value, scale < 0 ? 'reverse' : 'forward'));
  const fromUs = start === undefined ? undefined : start * US_PER_S;
  const untilUs = end === undefined ? undefined : end * US_PER_S;
  if (fromUs !== undefined && fromUs > durationUs)
    throw new RtspError(
      'invalidRange',
      `Range: found a start of ${start} s, expected at most ${durationUs / US_PER_S} s`,
    );
  if (scale < 0 && fromUs !== undefined && untilUs !== undefined && untilUs > fromUs)
    throw new RtspError(
      'invalidRange',
      'Range: found a start before the end, expected it behind: Scale is below 0',
    );
  return { ...(fromUs !== undefined && { fromUs }), ...(untilUs !== undefined && { untilUs }) };
}
