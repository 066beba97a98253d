/**
 * What clients cost in memory, for the memory budget. Used by the service, its connections and tunnels. Rule: as measured,
 * rounded up, and without what is accounted for by itself: unfinished requests, file indexes, packet plans.
 */

/** A connection, in bytes; the half of a tunnel is one. */
export const CONNECTION_BYTES = 16_384;
/** An encrypted connection, in bytes: most of it is OpenSSL's. */
export const ENCRYPTED_CONNECTION_BYTES = 65_536;
/** A session with its tracks, in bytes. */
export const SESSION_BYTES = 32_768;
