/**
 * What clients hear at the limits. Thrown and sent by the connection and by SETUP. Rule: 453 where the server or the client
 * has all it may have, 503 where it may be different soon; both say when to come again. Spec: RFC 2326 §11.3, §12.31.
 */
import type { Refusal } from '@finch/core';
import { RtspError, type RtspErrorCode } from './errors';

/** Seconds after which a client that was refused for load may come again. */
export const RETRY_AFTER_SECONDS = '5';

const REFUSALS: Readonly<Record<Refusal, { readonly code: RtspErrorCode; readonly text: string }>> = {
  'server-full': { code: 'notEnoughBandwidth', text: 'the server has as many connections as it may have' },
  'address-full': {
    code: 'notEnoughBandwidth',
    text: 'this address has as many connections as it may have',
  },
  'memory-spent': { code: 'serviceUnavailable', text: 'the memory budget of the server is spent' },
};

/** Says in one line why a client is refused. */
export function refusalText(refusal: Refusal): string {
  return REFUSALS[refusal].text;
}

/** The error of a client that is over a limit. `text` says which, where the refusal alone does not. */
export function refusalError(refusal: Refusal, text = refusalText(refusal)): RtspError {
  return new RtspError(REFUSALS[refusal].code, text, { 'Retry-After': RETRY_AFTER_SECONDS });
}
