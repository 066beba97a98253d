/**
 * Gives the frames of a movie's tracks to one viewer, in decode order over all of them. Bound by the `send` role, pulled by
 * the viewer's session. Rule: it reads no byte of the file and holds nothing but a position in each track's table; two
 * viewers of one movie share the tables and nothing else. Thread: the viewer's.
 */
import type { Frame, Presentation, PullProvider, StoredTrack } from '@finch/core';

const US_PER_S = 1_000_000;

/** Where a viewer is in one track. */
class Cursor {
  next = 0;
  /** Decode time of the next frame; Infinity at the end of the track. */
  nextUs = Infinity;

  constructor(readonly stored: StoredTrack) {
    this.moveTo(0);
  }

  moveTo(frame: number): void {
    const { dtsUs, length } = this.stored.frames;
    this.next = frame;
    this.nextUs = frame < length ? dtsUs[frame]! : Infinity;
  }
}

/** The provider of one viewer; see the head of this file. */
export class FileProvider implements PullProvider {
  readonly #presentation: Presentation;
  readonly #cursors: readonly Cursor[];

  /** Holds the presentation until the pipe ends. `tracks` are places in `presentation.tracks`. */
  constructor(presentation: Presentation, tracks: readonly number[]) {
    this.#presentation = presentation;
    this.#cursors = tracks.map((place) => new Cursor(presentation.tracks[place]!));
  }

  pull(into: Frame): boolean {
    const cursors = this.#cursors;
    let first = 0;
    for (let i = 1; i < cursors.length; i++) if (cursors[i]!.nextUs < cursors[first]!.nextUs) first = i;
    const cursor = cursors[first];
    if (cursor === undefined || cursor.nextUs === Infinity) return false;
    into.track = first;
    into.index = cursor.next;
    into.dtsUs = cursor.nextUs;
    cursor.moveTo(cursor.next + 1);
    return true;
  }

  nextFrame(track: number): number {
    const { next, nextUs } = this.#cursors[track]!;
    return nextUs === Infinity ? -1 : next;
  }

  skipTo(track: number, frame: number): void {
    const cursor = this.#cursors[track]!;
    if (frame > cursor.next) cursor.moveTo(frame);
  }

  /** The first video track leads: it starts at a key frame, the others at the frame that plays at that moment. */
  seek(timeUs: number): number {
    const filled = this.#cursors.filter(({ stored }) => stored.frames.length > 0);
    const leader = filled.find(({ stored }) => stored.track.kind === 'video') ?? filled[0];
    if (leader === undefined) return timeUs;
    if (timeUs <= 0) {
      for (const cursor of this.#cursors) cursor.moveTo(0);
      return 0;
    }
    const { stored } = leader;
    leader.moveTo(stored.track.kind === 'video' ? keyFrameAt(stored, timeUs) : frameAt(stored, timeUs));
    const startUs = Math.max(ptsUs(stored, leader.next), 0);
    for (const cursor of this.#cursors) if (cursor !== leader) cursor.moveTo(frameAt(cursor.stored, startUs));
    return startUs;
  }

  disconnected(): void {
    this.#presentation.close();
  }
}

function ptsUs({ frames, track }: StoredTrack, frame: number): number {
  return (frames.ptsTicks[frame]! * US_PER_S) / track.clockRateHz;
}

/** The last key frame that is shown at `timeUs` or before; the first one when all are later. */
function keyFrameAt(stored: StoredTrack, timeUs: number): number {
  const { keyFrames } = stored.frames;
  let low = 0;
  let high = keyFrames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ptsUs(stored, keyFrames[middle]!) <= timeUs) low = middle + 1;
    else high = middle;
  }
  return keyFrames[Math.max(low - 1, 0)] ?? 0;
}

/** The frame that is being played at `timeUs`; decode and presentation order are the same in audio, near enough in video. */
function frameAt({ frames, track }: StoredTrack, timeUs: number): number {
  const frame = frames.frameAtOrBefore(timeUs);
  return track.kind === 'video' ? frames.keyFrameAtOrBefore(frame) : frame;
}
