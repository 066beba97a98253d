/** PLAY: starts, goes on, moves, or changes its rate; or waits its turn (RFC 2326 §10.5, §12.29, §12.33-§12.35). */
import { RtspError } from '../errors';
import { parseBandwidth } from '../headers/delivery-wishes';
import { parseRange, type RangeHeader } from '../headers/range';
import { formatRtpInfo } from '../headers/rtp-info';
import { formatScale, formatSpeed, parseScale, parseSpeed } from '../headers/scale-speed';
import { effectiveTime, formatAnswer, secondsOf } from '../movie-range';
import type { PlayRange } from '../play-queue';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';
import type { Played } from '../session-player';

const US_PER_S = 1_000_000;

/**
 * Plays the session, at once or at the time of Range. Range and RTP-Info say where it really starts, Scale and Speed how fast
 * it really goes, if they were asked for or are not 1. A range that waits while another is played, or behind the place of a pause,
 * has no RTP-Info: its numbers are not known yet. 457 for a range that is not of this movie, that runs against Scale, or whose
 * time is too far ahead; 456 for one in the time of day.
 */
export function play(exchange: RtspExchange): RtspReply {
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  const scale = optional(exchange.header('Scale'), parseScale);
  const speed = optional(exchange.header('Speed'), parseSpeed);
  const bandwidthBps = optional(exchange.header('Bandwidth'), parseBandwidth);
  const direction = (scale ?? 1) < 0 ? 'reverse' : 'forward';
  const range = optional(exchange.header('Range'), (value) => parseRange(value, direction));
  const wanted = wantedRange(range, session.durationUs, scale ?? 1);
  const time = effectiveTime(range, exchange.service.host.thread.nowUs);
  if (bandwidthBps !== undefined) session.player.bandwidthBps = bandwidthBps;
  const played = session.player.play({ fromUs: wanted.fromUs, untilUs: wanted.untilUs, scale, speed }, time);
  const { startUs, isNext } = played;
  const isScaled = scale !== undefined || played.scale !== 1;
  const isSped = speed !== undefined || played.speed !== 1;
  const headers: Record<string, string> = { Session: session.header };
  if (isScaled) headers.Scale = formatScale(played.scale);
  if (isSped) headers.Speed = formatSpeed(played.speed);
  const timeUtcMs = played.time?.timeUtcMs;
  headers.Range = formatAnswer(range, { startUs, endUs: endUsOf(played), timeUtcMs });
  if (isNext && startUs !== undefined) headers['RTP-Info'] = formatRtpInfo(session.rtpInfo(startUs));
  return { headers };
}

function optional<Value>(value: string | undefined, parse: (value: string) => Value): Value | undefined {
  return value === undefined ? undefined : parse(value);
}

// Key frames lie where they lie: a range may come out with its end on the wrong side.
function endUsOf({ endUs, startUs = endUs, scale }: Played): number {
  return scale < 0 ? Math.min(endUs, startUs) : Math.max(endUs, startUs);
}

function wantedRange(
  range: RangeHeader | undefined,
  durationUs: number,
  scale: number,
): Pick<PlayRange, 'fromUs' | 'untilUs'> {
  if (range === undefined) return {};
  const { start, end } = secondsOf(range);
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
  return { fromUs, untilUs };
}
