/** The methods that are served, by name (RFC 2326 §10). Rule: the method table has a handler for each, and for no other. */
import { formatMethodList } from '../headers/public-allow';

/** Lists them in the order of Public and Allow. */
export const SERVED_METHODS = [
  'OPTIONS',
  'DESCRIBE',
  'SETUP',
  'PLAY',
  'PAUSE',
  'TEARDOWN',
  'GET_PARAMETER',
  'SET_PARAMETER',
] as const;

/** Is the name of one of them. */
export type ServedMethod = (typeof SERVED_METHODS)[number];

/** The methods that are served, for Public and Allow. */
export const PUBLIC_METHODS = formatMethodList(SERVED_METHODS);
