/** The states of a session and which methods each allows (RFC 2326 appendix A.2), as a table. Used by the session. */
import { RtspError } from './errors';
import { formatMethodList } from './headers/public-allow';

/** Init before the first SETUP, Ready when set up, Playing; paused is the Ready of a session that has played. */
export type SessionState = 'init' | 'ready' | 'playing' | 'paused';
/** The methods that depend on the state or change it. */
export type SessionMethod = 'SETUP' | 'PLAY' | 'PAUSE' | 'TEARDOWN';

// Rows are states, columns methods; the value is the state that follows. Once it has played, the tracks are those that play:
// other transport parameters for them are refused by 455 (RFC 2326 §10.4).
const TRANSITIONS: Readonly<Record<SessionState, Partial<Record<SessionMethod, SessionState>>>> = {
  init: { SETUP: 'ready', TEARDOWN: 'init' },
  ready: { SETUP: 'ready', PLAY: 'playing', PAUSE: 'ready', TEARDOWN: 'init' },
  playing: { PLAY: 'playing', PAUSE: 'paused', TEARDOWN: 'init' },
  paused: { PLAY: 'playing', PAUSE: 'paused', TEARDOWN: 'init' },
};

/** Methods that every state allows and none changes by. */
const STATELESS = ['OPTIONS', 'DESCRIBE', 'GET_PARAMETER', 'SET_PARAMETER'] as const;

/** The state after a method. 455, with the methods that are allowed (RFC 2326 §11.3.6), when the state does not allow it. */
export function nextState(state: SessionState, method: SessionMethod): SessionState {
  const next = TRANSITIONS[state][method];
  if (next !== undefined) return next;
  const allowed = Object.keys(TRANSITIONS[state]);
  throw new RtspError(
    'methodNotValidInState',
    `${method}: the session is ${state}, expected ${allowed.join(' or ')}`,
    { Allow: formatMethodList([...STATELESS, ...allowed]) },
  );
}
