/**
 * Gives the frames of a movie's tracks to one viewer, in decode order over all of them. Bound by the `send` role, pulled by
 * the viewer's session. Rule: it reads no byte of the file and holds nothing but a position in each track's table; two
 * viewers of one movie share the tables and nothing else. Thread: the viewer's.
 */
import {
  ALL_FRAMES,
  type Frame,
  type Presentation,
  type PullOrder,
  type PullProvider,
  type StoredTrack,
} from '@finch/core';
import { KeyFrameCursor } from './key-frame-cursor';

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
  /** Place of the track that a seek goes by: the first video track that has frames, or else the first that has; -1 without. */
  readonly #leader: number;
  #keyFrames: KeyFrameCursor | null = null;

  /** Holds the presentation until the pipe ends. `tracks` are places in `presentation.tracks`. */
  constructor(presentation: Presentation, tracks: readonly number[]) {
    this.#presentation = presentation;
    this.#cursors = tracks.map((place) => new Cursor(presentation.tracks[place]!));
    const video = this.#cursors.findIndex(({ stored }) => isVideo(stored) && stored.frames.length > 0);
    this.#leader = video >= 0 ? video : this.#cursors.findIndex(({ stored }) => stored.frames.length > 0);
  }

  pull(into: Frame): boolean {
    if (this.#keyFrames !== null) return this.#keyFrames.pull(into);
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
    if (this.#keyFrames !== null) return track === this.#leader ? this.#keyFrames.nextFrame : -1;
    const { next, nextUs } = this.#cursors[track]!;
    return nextUs === Infinity ? -1 : next;
  }

  skipTo(track: number, frame: number): void {
    const cursor = this.#cursors[track]!;
    if (frame > cursor.next) cursor.moveTo(frame);
  }

  /** The first video track leads: it starts at a key frame, the others at the frame that plays at that moment. */
  seek(timeUs: number, order: PullOrder = ALL_FRAMES): number {
    const leader = this.#cursors[this.#leader];
    this.#keyFrames = null;
    if (leader === undefined) return timeUs;
    if (order.keyFramesOnly) return this.#seekKeyFrames(leader.stored, timeUs, order);
    const startUs = timeUs <= 0 ? this.#toStart() : this.#follow(leader, timeUs);
    if (order.isSilent) this.#silence();
    return startUs;
  }

  reorder(order: PullOrder, unused: Frame | null): void {
    const leader = this.#cursors[this.#leader];
    if (unused !== null) this.#cursors[unused.track]!.moveTo(unused.index);
    if (leader === undefined) return;
    if (order.isSilent) this.#silence();
    else
      for (const cursor of this.#cursors)
        if (!isVideo(cursor.stored)) cursor.moveTo(frameAt(cursor.stored, leader.nextUs));
  }

  canFollow({ keyFramesOnly }: PullOrder): boolean {
    const stored = this.#cursors[this.#leader]?.stored;
    if (stored === undefined || !isVideo(stored)) return false;
    return !keyFramesOnly || stored.frames.keyFrames.length > 1;
  }

  keyFrameFrom(track: number, frame: number, timeUs: number): number {
    const { frames } = this.#cursors[track]!.stored;
    const due = frames.keyFrameAtOrBefore(frames.frameAtOrBefore(timeUs));
    return due >= frame ? due : frames.keyFrameAtOrAfter(frame);
  }

  disconnected(): void {
    this.#presentation.close();
  }

  #seekKeyFrames(stored: StoredTrack, timeUs: number, order: PullOrder): number {
    const place = keyFramePlace(stored, timeUs);
    this.#keyFrames = new KeyFrameCursor(this.#leader, stored.frames, place, order);
    return Math.max(ptsUs(stored, this.#keyFrames.nextFrame), 0);
  }

  #toStart(): number {
    for (const cursor of this.#cursors) cursor.moveTo(0);
    return 0;
  }

  #follow(leader: Cursor, timeUs: number): number {
    const { stored } = leader;
    leader.moveTo(
      isVideo(stored)
        ? (stored.frames.keyFrames[keyFramePlace(stored, timeUs)] ?? 0)
        : frameAt(stored, timeUs),
    );
    const startUs = Math.max(ptsUs(stored, leader.next), 0);
    for (const cursor of this.#cursors) if (cursor !== leader) cursor.moveTo(frameAt(cursor.stored, startUs));
    return startUs;
  }

  #silence(): void {
    for (const cursor of this.#cursors)
      if (!isVideo(cursor.stored)) cursor.moveTo(cursor.stored.frames.length);
  }
}

function isVideo({ track }: StoredTrack): boolean {
  return track.kind === 'video';
}

function ptsUs({ frames, track }: StoredTrack, frame: number): number {
  return (frames.ptsTicks[frame]! * US_PER_S) / track.clockRateHz;
}

/** The place of the last key frame that is shown at `timeUs` or before; the first one when all are later. */
function keyFramePlace(stored: StoredTrack, timeUs: number): number {
  const { keyFrames } = stored.frames;
  let low = 0;
  let high = keyFrames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ptsUs(stored, keyFrames[middle]!) <= timeUs) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

/** The frame that is being played at `timeUs`; decode and presentation order are the same in audio, near enough in video. */
function frameAt({ frames, track }: StoredTrack, timeUs: number): number {
  const frame = frames.frameAtOrBefore(timeUs);
  return track.kind === 'video' ? frames.keyFrameAtOrBefore(frame) : frame;
}
