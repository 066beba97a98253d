/**
 * The bounds of the MP4 index: what it accepts before it calls a file broken. Read by every file of this folder.
 * Rule: whatever a file claims is held against one of these, or against the bytes that are really there.
 * Depth needs no bound of its own: boxes are looked up along fixed paths (moov/trak/mdia/minf/stbl/stsd/entry/wave/esds,
 * nine deep at most), so nothing here calls itself.
 */

/** Bytes of a moov box; it is held in memory while the file is indexed. */
export const MAX_MOOV_BYTES = 256 * 1024 * 1024;
/** Bytes of one moof box. */
export const MAX_MOOF_BYTES = 16 * 1024 * 1024;
/** Boxes at the top of a file beside its fragments, in a moov, and in a moof: each of the three. */
export const MAX_BOXES = 100_000;
/** Fragments (moof boxes) in a file: over 27 hours of two tracks at a second each. */
export const MAX_FRAGMENTS = 200_000;
/** Tracks in a movie, playable or not. */
export const MAX_TRACKS = 64;
/** Sample descriptions of a track. */
export const MAX_SAMPLE_DESCRIPTIONS = 64;
/** Samples of all tracks of a movie together; also the most that one track can have. */
export const MAX_SAMPLES = 20_000_000;
/** Samples of a movie that may be declared without a byte of table each: neither H.264 nor AAC has frames of one size at length. */
export const MAX_UNIFORM_SAMPLES = 1_000_000;
/** Entries of an edit list. */
export const MAX_EDITS = 1000;
/** Rows that may be looked at to cut out all edits of a track, about a fifth of a second. */
export const MAX_EDIT_ROWS = 50_000_000;
/** How often an edit list may show the frames of its track, on average. */
export const MAX_EDIT_REPEATS = 4;
/** The timeline, in seconds: times further from 0 than a year are errors, and all arithmetic is exact within. */
export const MAX_TIMELINE_S = 366 * 86_400;
/** The longest gap that an edit list may leave, in seconds: nobody waits for weeks. */
export const MAX_GAP_S = 86_400;
/** How far a decode time is moved to come before its presentation time, in seconds. */
export const MAX_REORDER_S = 10;
/** How far a fragment may go back in time, in seconds; beyond, its time is not believed. */
export const MAX_FRAGMENT_OVERLAP_S = 1;
/** Bytes of the first frame that are searched for parameter sets. */
export const MAX_IN_BAND_BYTES = 1024 * 1024;
