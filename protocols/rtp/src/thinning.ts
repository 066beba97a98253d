/**
 * What a viewer who is late gives up, so that he catches up instead of falling behind for good. Asked by the RTP session for
 * each frame that is late beyond the first step. Rule: pure; lateness in, verdict out. Nothing is thinned below 750 ms.
 *
 *   lateness      750 ms                  1500 ms                        2500 ms
 *   video         what no other refers to | all up to a key frame that is due | ...
 *   sound                                                                | until he is on time again
 */

/** A frame that is late by less is sent. */
export const THIN_FROM_US = 750_000;
/** From here on a picture that is no key frame is not worth its bytes. */
export const SKIP_TO_KEY_FROM_US = 1_500_000;
/** From here on sound is left out, until it is late by less than THIN_FROM_US. */
export const THIN_AUDIO_FROM_US = 2_500_000;

/** What is to become of a late frame. */
export const ThinningVerdict = {
  send: 0,
  /** Leave it out if no other refers to it. */
  dropDisposable: 1,
  /** Go on at a key frame that is due by now, or at the next. */
  skipToKeyFrame: 2,
  /** Leave it out. */
  drop: 3,
} as const;
/** One of ThinningVerdict. */
export type ThinningVerdict = (typeof ThinningVerdict)[keyof typeof ThinningVerdict];

/**
 * Why frames are left out: pictures that no other refers to; those of a group that had begun, up to the next key frame; groups of
 * pictures whole, key frame and all, and the pictures in them; key frames of a fast or reverse play; sound.
 */
export const THINNING_CAUSES = [
  'disposable',
  'upToKeyFrame',
  'wholeGroups',
  'groupFrames',
  'keyFrames',
  'audio',
] as const;

/** Frames that one track of a viewer went without, by cause; of whole groups, how many groups. */
export type ThinnedFrames = Record<(typeof THINNING_CAUSES)[number], number>;

/** Starts counting. */
export function noThinnedFrames(): ThinnedFrames {
  return { disposable: 0, upToKeyFrame: 0, wholeGroups: 0, groupFrames: 0, keyFrames: 0, audio: 0 };
}

/** The sum of the frames over all causes. */
export function thinnedFramesOf(thinned: ThinnedFrames): number {
  const { disposable, upToKeyFrame, groupFrames, keyFrames, audio } = thinned;
  return disposable + upToKeyFrame + groupFrames + keyFrames + audio;
}

/** The verdict on a picture that is `lateUs` late. */
export function judgePicture(lateUs: number): ThinningVerdict {
  if (lateUs < THIN_FROM_US) return ThinningVerdict.send;
  return lateUs < SKIP_TO_KEY_FROM_US ? ThinningVerdict.dropDisposable : ThinningVerdict.skipToKeyFrame;
}

/** The verdict on sound that is `lateUs` late; `isThinned` tells what became of the frame before it. */
export function judgeAudio(lateUs: number, isThinned: boolean): ThinningVerdict {
  if (lateUs < THIN_FROM_US) return ThinningVerdict.send;
  return isThinned || lateUs >= THIN_AUDIO_FROM_US ? ThinningVerdict.drop : ThinningVerdict.send;
}
