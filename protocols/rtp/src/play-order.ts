/**
 * What Scale and Speed ask for and what is served of it. Used by the RTP session. Rule: the nearest rate that can be served,
 * never a refusal; the answer tells which it is. Spec: RFC 2326 §12.34, §12.35.
 */
import { ALL_FRAMES, type PullOrder } from '@finch/core';

/** The fastest that a movie is played, forward or backward. */
export const MAX_SCALE = 32;
/** The slowest. */
export const MIN_SCALE = 1 / 32;
/** Up to here all pictures are sent; faster, and backward, key frames only. */
export const MAX_SCALE_OF_ALL_FRAMES = 2;
/** The slowest delivery. */
export const MIN_SPEED = 0.25;
/** The fastest delivery. */
export const MAX_SPEED = 4;
/** Key frames follow each other no faster, in microseconds of stream time. */
export const KEY_FRAME_SPACING_US = 40_000;

/** How a viewer wants to play. */
export interface PlayWish {
  /** Where to stop, in presentation time; the end of the movie, or its start where scale is below 0, when left out. */
  readonly untilUs?: number | undefined;
  /** Media time per time of the RTP clock: 1 when left out, never 0; the nearest that can be served is taken. */
  readonly scale?: number | undefined;
  /** Time of the RTP clock per real time: 1 when left out, above 0; the nearest that can be served is taken. */
  readonly speed?: number | undefined;
}

const SILENT_FRAMES: PullOrder = { ...ALL_FRAMES, isSilent: true };

/** The scale nearest to `scale` that is served; its direction stays. */
export function clampScale(scale: number): number {
  return Math.sign(scale) * Math.min(Math.max(Math.abs(scale), MIN_SCALE), MAX_SCALE);
}

/** The speed nearest to `speed` that is served. */
export function clampSpeed(speed: number): number {
  return Math.min(Math.max(speed, MIN_SPEED), MAX_SPEED);
}

/** Which frames are sent at a scale. */
export function orderAt(scale: number): PullOrder {
  if (scale === 1) return ALL_FRAMES;
  if (scale > 0 && scale <= MAX_SCALE_OF_ALL_FRAMES) return SILENT_FRAMES;
  const spacingUs = KEY_FRAME_SPACING_US * Math.abs(scale);
  return { keyFramesOnly: true, isReverse: scale < 0, isSilent: true, spacingUs };
}

/** Where playing stops when `scale` is what is served; a wish for the other way has an end on the wrong side. */
export function untilUsOf({ untilUs, scale: wanted = 1 }: PlayWish, scale: number): number {
  const isOtherWay = wanted < 0 && scale > 0;
  if (untilUs === undefined || isOtherWay) return scale < 0 ? Number.NEGATIVE_INFINITY : Infinity;
  return untilUs;
}
