/**
 * Wall-clock time as RTCP writes it, and the round trip that reports tell. Called by sender sessions.
 * Rule: the wall clock is the monotonic one with a constant added, so that reports of one moment agree to the microsecond.
 * Spec: RFC 3550 §4, §6.4.1; RFC 5905 §6 (era 0).
 */
import { monotonicClock } from '@finch/core';

/** Seconds from the NTP epoch (1900) to the Unix epoch (1970). */
export const NTP_UNIX_OFFSET_S = 2_208_988_800;

const US_PER_SECOND = 1_000_000;
const TWO_TO_32 = 2 ** 32;

/**
 * The integer part of the NTP timestamp of `unixUs` (microseconds since 1970); wraps in 2036 as RFC 3550 §4
 * allows.
 */
export function ntpSeconds(unixUs: number): number {
  return (Math.floor(unixUs / US_PER_SECOND) + NTP_UNIX_OFFSET_S) % TWO_TO_32;
}

/**
 * The wall clock in microseconds of the Unix epoch, for reports: it never steps, and its grain is finer than Date.now()'s
 * millisecond, which players would show as jitter between tracks.
 */
export function unixNowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

/** From the monotonic clock to the wall clock: the least of a few looks at both, since a look can be held up in the middle. */
const UNIX_OFFSET_US = Math.min(...Array.from({ length: 5 }, lookAtBothClocks));

function lookAtBothClocks(): number {
  const nowUs = monotonicClock.nowUs();
  return unixNowUs() - nowUs;
}

/** The wall clock at `nowUs` of the thread's clock, in microseconds of the Unix epoch. */
export function unixUsAt(nowUs: number): number {
  return nowUs + UNIX_OFFSET_US;
}

/** The fractional part of the NTP timestamp of `unixUs`, in units of 2^-32 s. */
export function ntpFraction(unixUs: number): number {
  const us = unixUs - Math.floor(unixUs / US_PER_SECOND) * US_PER_SECOND;
  return Math.floor((us * TWO_TO_32) / US_PER_SECOND);
}

/** The Unix time in microseconds of an NTP timestamp of era 0 (until 2036). */
export function unixUsOfNtp(seconds: number, fraction: number): number {
  return (seconds - NTP_UNIX_OFFSET_S) * US_PER_SECOND + Math.round((fraction * US_PER_SECOND) / TWO_TO_32);
}

/** The middle 32 bits of an NTP timestamp, in units of 2^-16 s; what LSR holds (RFC 3550 §6.4.1). */
export function ntpMiddle32(seconds: number, fraction: number): number {
  return ((seconds << 16) | (fraction >>> 16)) >>> 0;
}

/**
 * The round trip in microseconds that a report block tells: arrival less LSR less DLSR (RFC 3550 §6.4.1).
 * Returns -1 when the receiver has seen no sender report (LSR 0); 0 when clocks make it come out negative.
 */
export function roundTripUs(arrivalUnixUs: number, lastSr: number, delaySinceLastSr: number): number {
  if (lastSr === 0) return -1;
  const arrival = ntpMiddle32(ntpSeconds(arrivalUnixUs), ntpFraction(arrivalUnixUs));
  const roundTrip = (arrival - lastSr - delaySinceLastSr) | 0;
  return roundTrip <= 0 ? 0 : Math.round((roundTrip * US_PER_SECOND) / 65_536);
}
