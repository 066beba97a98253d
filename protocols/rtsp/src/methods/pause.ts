/** PAUSE: stops sending and keeps the position (RFC 2326 §10.6). */
import { RtspError } from '../errors';
import { parsePausePoint, type RangeHeader } from '../headers/range';
import { effectiveTime, formatAnswer, secondsOf } from '../movie-range';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';

const US_PER_S = 1_000_000;

/**
 * Pauses the session at once, or at the place that Range names, or at its time (§12.29); the answer says where, and when that
 * is to come. Before the first PLAY it changes nothing. 457 for a place that is not played: at its time, such a one is passed over.
 */
export function pause(exchange: RtspExchange): RtspReply {
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  const value = exchange.header('Range');
  const range = value === undefined ? undefined : parsePausePoint(value);
  const pointUs = pausePointUs(range, session.durationUs);
  const time = effectiveTime(range, exchange.service.host.thread.nowUs);
  if (time !== undefined) session.player.pauseAt(time.atUs, pointUs);
  const startUs = time === undefined ? session.player.pause(pointUs) : pointUs;
  return {
    headers: {
      Session: session.header,
      Range: formatAnswer(range, { startUs, timeUtcMs: time?.timeUtcMs }),
    },
  };
}

function pausePointUs(range: RangeHeader | undefined, durationUs: number): number | undefined {
  if (range === undefined) return undefined;
  const { start } = secondsOf(range);
  if (start === undefined) return undefined;
  const pointUs = start * US_PER_S;
  if (pointUs > durationUs)
    throw new RtspError(
      'invalidRange',
      `Range: found ${start} s, expected at most ${durationUs / US_PER_S} s`,
    );
  return pointUs;
}
