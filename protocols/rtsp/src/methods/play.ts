/** PLAY: starts, goes on, or moves (RFC 2326 §10.5, §12.29, §12.33). */
import type { CoroutineBody } from '@finch/core';
import { RtspError } from '../errors';
import { formatRange, parseRange } from '../headers/range';
import { formatRtpInfo } from '../headers/rtp-info';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';

const US_PER_S = 1_000_000;

/** Plays the session. Range and RTP-Info say where it really starts. 457 for a range that is not of this movie. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* play(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  const { fromUs, untilUs } = wantedRange(exchange.header('Range'), session.durationUs);
  const startUs = session.play(fromUs, untilUs);
  const end = Math.min(untilUs, session.durationUs) / US_PER_S;
  return {
    headers: {
      Session: session.header,
      Range: formatRange({ unit: 'npt', start: startUs / US_PER_S, end: Math.max(end, startUs / US_PER_S) }),
      'RTP-Info': formatRtpInfo(session.rtpInfo(startUs)),
    },
  };
}

function wantedRange(
  value: string | undefined,
  durationUs: number,
): { fromUs: number | undefined; untilUs: number } {
  if (value === undefined) return { fromUs: undefined, untilUs: Infinity };
  const range = parseRange(value);
  if (range.unit === 'clock')
    throw new RtspError('invalidRange', 'Range: a file has no wall-clock time, expected npt');
  const fromUs = typeof range.start === 'number' ? range.start * US_PER_S : undefined;
  const untilUs = typeof range.end === 'number' ? range.end * US_PER_S : Infinity;
  if (fromUs !== undefined && fromUs > durationUs)
    throw new RtspError(
      'invalidRange',
      `Range: found a start of ${range.start} s, expected at most ${durationUs / US_PER_S} s`,
    );
  return { fromUs, untilUs };
}
