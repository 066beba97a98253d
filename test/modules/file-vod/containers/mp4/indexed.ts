/** Indexes movies that mp4-writer writes, for the tests of this folder. */
import type { IndexedTrack, MovieIndex } from '@finch/file-vod/containers/container';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import { MemoryReader, type TestMovie, type TestTrack, writeMovie } from '../../../../support/mp4-writer';

/** The index of a movie. */
export function index(movie: TestMovie): MovieIndex {
  return indexMp4(new MemoryReader(writeMovie(movie)));
}

/** The one track of a movie that has one. */
export function one(track: TestTrack): IndexedTrack {
  return index({ tracks: [track] }).tracks[0]!;
}
