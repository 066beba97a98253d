/** The states of a session and which methods each allows (RFC 2326 appendix A.2), as a table. Used by the session. */
import { RtspError } from './errors';

/** Init before the first SETUP, Ready when set up or paused, Playing. */
export type SessionState = 'init' | 'ready' | 'playing';
/** The methods that depend on the state or change it. */
export type SessionMethod = 'SETUP' | 'PLAY' | 'PAUSE';

// Rows are states, columns methods; the value is the state that follows.
const TRANSITIONS: Readonly<Record<SessionState, Partial<Record<SessionMethod, SessionState>>>> = {
  init: { SETUP: 'ready' },
  ready: { SETUP: 'ready', PLAY: 'playing', PAUSE: 'ready' },
  playing: { PLAY: 'playing', PAUSE: 'ready' },
};

/** The state after a method. 455 when the state does not allow it. */
export function nextState(state: SessionState, method: SessionMethod): SessionState {
  const next = TRANSITIONS[state][method];
  if (next === undefined) throw new RtspError('methodNotValidInState', `${method}: the session is ${state}`);
  return next;
}
