/** Why a file or a stream can't be served. Thrown by containers and module roles, turned into a status by protocols. */

/**
 * `not-found`: nothing there, or outside the media root. `unsupported`: it is there, but not a movie we can play.
 * `unauthorized`: credentials are missing or wrong. `forbidden`: not for this client, whatever his credentials.
 */
export type MediaErrorCode =
  | 'not-found'
  | 'unsupported'
  | 'broken'
  | 'gone'
  | 'busy'
  | 'unauthorized'
  | 'forbidden';

/** Carries one line for people: which file or track, what was found, what was expected. */
export class MediaError extends Error {
  override readonly name = 'MediaError';

  /** `challenge` says how to come again with credentials (RFC 2617 §1.2), for `unauthorized`. */
  constructor(
    readonly code: MediaErrorCode,
    message: string,
    readonly challenge?: string,
  ) {
    super(message);
  }
}
