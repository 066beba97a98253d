/**
 * The error numbers that this package returns negated where memory given by the caller is spent. Read by plan
 * builders and RTCP writers. Rule: data-plane functions return a count or a negative errno, they don't throw.
 */
import { constants } from 'node:os';

/** Says that the buffer or plan has no room left; returned as `-ENOBUFS`. */
export const ENOBUFS: number = constants.errno.ENOBUFS;
