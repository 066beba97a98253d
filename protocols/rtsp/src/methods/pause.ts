/** PAUSE: stops sending and keeps the position (RFC 2326 §10.6). */
import type { CoroutineBody } from '@finch/core';
import { RtspError } from '../errors';
import { formatRange, parsePausePoint } from '../headers/range';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';
import { secondsOf } from './play';

const US_PER_S = 1_000_000;

/**
 * Pauses the session at once, or at the time that Range names; the answer says where. Before the first PLAY it changes
 * nothing. 457 for a time that is not played.
 */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* pause(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  const positionUs = session.player.pause(pausePointUs(exchange.header('Range'), session.durationUs));
  return {
    headers: { Session: session.header, Range: formatRange({ unit: 'npt', start: positionUs / US_PER_S }) },
  };
}

function pausePointUs(value: string | undefined, durationUs: number): number | undefined {
  if (value === undefined) return undefined;
  const { start } = secondsOf(parsePausePoint(value));
  const pointUs = start! * US_PER_S;
  if (pointUs > durationUs)
    throw new RtspError(
      'invalidRange',
      `Range: found ${start} s, expected at most ${durationUs / US_PER_S} s`,
    );
  return pointUs;
}
