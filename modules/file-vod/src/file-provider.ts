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
/** The others of a movie without a third track. */
const NO_OTHERS: number[] = [];

/** The provider of one viewer; see the head of this file. */
export class FileProvider implements PullProvider {
  readonly #presentation: Presentation;
  readonly #tracks: readonly StoredTrack[];
  // As fields for the two tracks that movies have: an array would be two more objects that each run of a viewer waits for.
  /** The next frame of the first track, and of the second; behind the last one at the end of a track. */
  #first = 0;
  #second = 0;
  /** Of the third track and those behind it. */
  readonly #others: number[];
  /** Place of the track that a seek goes by: the first video track that has frames, or else the first that has; -1 without. */
  readonly #leader: number;
  #keyFrames: KeyFrameCursor | null = null;

  /** Holds the presentation until the pipe ends. `tracks` are places in `presentation.tracks`. */
  constructor(presentation: Presentation, tracks: readonly number[]) {
    this.#presentation = presentation;
    this.#tracks = picked(presentation.tracks, tracks);
    this.#others = tracks.length > 2 ? new Array<number>(tracks.length - 2).fill(0) : NO_OTHERS;
    const video = this.#tracks.findIndex((stored) => isVideo(stored) && stored.frames.length > 0);
    this.#leader = video >= 0 ? video : this.#tracks.findIndex(({ frames }) => frames.length > 0);
    this.#toStart();
  }

  pull(into: Frame): boolean {
    if (this.#keyFrames !== null) return this.#keyFrames.pull(into);
    const tracks = this.#tracks.length;
    let track = 0;
    let dtsUs = Infinity;
    for (let i = 0; i < tracks; i++) {
      const nextUs = this.#nextUs(i);
      if (nextUs >= dtsUs) continue;
      track = i;
      dtsUs = nextUs;
    }
    if (dtsUs === Infinity) return false;
    const frame = this.#frameOf(track);
    into.track = track;
    into.index = frame;
    into.frames = this.#tracks[track]!.frames;
    this.#moveTo(track, frame + 1);
    return true;
  }

  nextFrame(track: number): number {
    if (this.#keyFrames !== null) return track === this.#leader ? this.#keyFrames.nextFrame : -1;
    const frame = this.#frameOf(track);
    return frame < this.#tracks[track]!.frames.length ? frame : -1;
  }

  skipTo(track: number, frame: number): void {
    if (frame > this.#frameOf(track)) this.#moveTo(track, frame);
  }

  /** The first video track leads: it starts at a key frame, the others at the frame that plays at that moment. */
  seek(timeUs: number, order: PullOrder = ALL_FRAMES): number {
    this.#keyFrames = null;
    if (this.#leader < 0) return timeUs;
    if (order.keyFramesOnly) return this.#seekKeyFrames(timeUs, order);
    const startUs = timeUs <= 0 ? this.#toStart() : this.#follow(timeUs);
    if (order.isSilent) this.#silence();
    return startUs;
  }

  startOf(timeUs: number, { keyFramesOnly }: PullOrder): number {
    if (this.#leader < 0) return timeUs;
    return timeUs <= 0 && !keyFramesOnly ? 0 : this.#startAt(this.#leaderFrameAt(timeUs));
  }

  reorder(order: PullOrder, unused: Frame | null): void {
    if (unused !== null) this.#moveTo(unused.track, unused.index);
    if (this.#leader < 0) return;
    if (order.isSilent) this.#silence();
    else {
      const leaderUs = this.#nextUs(this.#leader);
      for (const [track, stored] of this.#tracks.entries())
        if (!isVideo(stored)) this.#moveTo(track, frameAt(stored, leaderUs));
    }
  }

  canFollow({ keyFramesOnly }: PullOrder): boolean {
    const stored = this.#tracks[this.#leader];
    if (stored === undefined || !isVideo(stored)) return false;
    return !keyFramesOnly || stored.frames.keyFrames.length > 1;
  }

  keyFrameFrom(track: number, frame: number, timeUs: number): number {
    const { frames } = this.#tracks[track]!;
    const due = frames.keyFrameAtOrBefore(frames.frameAtOrBefore(timeUs));
    return due >= frame ? due : frames.keyFrameAtOrAfter(frame);
  }

  disconnected(): void {
    this.#presentation.close();
  }

  #frameOf(track: number): number {
    if (track === 0) return this.#first;
    return track === 1 ? this.#second : this.#others[track - 2]!;
  }

  /** When the next frame of a track is decoded, in microseconds; Infinity at its end. */
  #nextUs(track: number): number {
    const { dtsUs, length } = this.#tracks[track]!.frames;
    const frame = this.#frameOf(track);
    return frame < length ? dtsUs[frame]! : Infinity;
  }

  #moveTo(track: number, frame: number): void {
    if (track === 0) this.#first = frame;
    else if (track === 1) this.#second = frame;
    else this.#others[track - 2] = frame;
  }

  #seekKeyFrames(timeUs: number, order: PullOrder): number {
    const stored = this.#tracks[this.#leader]!;
    const place = keyFramePlace(stored, timeUs);
    this.#keyFrames = new KeyFrameCursor(this.#leader, stored.frames, place, order);
    return this.#startAt(this.#keyFrames.nextFrame);
  }

  #toStart(): number {
    for (const track of this.#tracks.keys()) this.#moveTo(track, 0);
    return 0;
  }

  #follow(timeUs: number): number {
    const leader = this.#leader;
    const frame = this.#leaderFrameAt(timeUs);
    const startUs = this.#startAt(frame);
    for (const [track, other] of this.#tracks.entries())
      this.#moveTo(track, track === leader ? frame : frameAt(other, startUs));
    return startUs;
  }

  /** The leader's frame that a seek leads to. */
  #leaderFrameAt(timeUs: number): number {
    const stored = this.#tracks[this.#leader]!;
    if (!isVideo(stored)) return frameAt(stored, timeUs);
    return stored.frames.keyFrames[keyFramePlace(stored, timeUs)] ?? 0;
  }

  #startAt(frame: number): number {
    return Math.max(ptsUs(this.#tracks[this.#leader]!, frame), 0);
  }

  #silence(): void {
    for (const [track, stored] of this.#tracks.entries())
      if (!isVideo(stored)) this.#moveTo(track, stored.frames.length);
  }
}

/** The tracks at `places`; the list itself, which all viewers share, when it is all of them in order. */
function picked(tracks: readonly StoredTrack[], places: readonly number[]): readonly StoredTrack[] {
  const isWhole = places.length === tracks.length && places.every((place, i) => place === i);
  return isWhole ? tracks : places.map((place) => tracks[place]!);
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
