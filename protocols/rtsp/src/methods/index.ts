/** The method table (RFC 2326 §10): one handler a method, one file a handler. */
import { RtspError } from '../errors';
import type { MethodHandler } from '../rtsp-exchange';
import { describe } from './describe';
import { getParameter } from './get-parameter';
import { PUBLIC_METHODS, type ServedMethod } from './method-names';
import { options } from './options';
import { pause } from './pause';
import { play } from './play';
import { setParameter } from './set-parameter';
import { setup } from './setup';
import { teardown } from './teardown';

const HANDLERS: Readonly<Record<ServedMethod, MethodHandler>> = {
  OPTIONS: options,
  DESCRIBE: describe,
  SETUP: setup,
  PLAY: play,
  PAUSE: pause,
  TEARDOWN: teardown,
  GET_PARAMETER: getParameter,
  SET_PARAMETER: setParameter,
};
const METHODS: ReadonlyMap<string, MethodHandler> = new Map(Object.entries(HANDLERS));

/** Methods that the RFC knows and this server does not do. */
const OTHER_METHODS: ReadonlySet<string> = new Set(['ANNOUNCE', 'RECORD', 'REDIRECT']);

/** Finds the handler of a method. 405 for one that is not for us, 501 for one that nobody knows. */
export function handlerOf(method: string): MethodHandler {
  const handler = METHODS.get(method);
  if (handler !== undefined) return handler;
  if (OTHER_METHODS.has(method))
    throw new RtspError('methodNotAllowed', `${method}: expected ${PUBLIC_METHODS}`, {
      Allow: PUBLIC_METHODS,
    });
  throw new RtspError('notImplemented', `found a method nobody knows, expected ${PUBLIC_METHODS}`, {
    Public: PUBLIC_METHODS,
  });
}
