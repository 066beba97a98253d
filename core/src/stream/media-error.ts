/** Why a file or a stream can't be served. Thrown by containers and module roles, turned into a status by protocols. */

/** `not-found`: nothing there, or outside the media root. `unsupported`: it is there, but not a movie we can play. */
export type MediaErrorCode = 'not-found' | 'unsupported' | 'broken' | 'gone' | 'busy';

/** Carries one line for people: which file or track, what was found, what was expected. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
  constructor(
    readonly code: MediaErrorCode,
    message: string,
  ) {
    super(message);
  }
}
