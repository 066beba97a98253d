/**
 * The bodies of GET_PARAMETER and SET_PARAMETER: text/parameters, a line each. Called by those methods. Rule: what can't be
 * read is 400, another format 415; names are compared without regard to case. Spec: RFC 2326 §10.8, §10.9.
 *
 *   position            asks for a parameter
 *   position: 12.040    sets it, or tells its value
 */
import { headerError, quoteWireValue, RtspError } from '../errors';

/** The format of the bodies. */
export const PARAMETERS_TYPE = 'text/parameters';
/** Bounds the lines of a body. */
export const MAX_PARAMETER_LINES = 64;

const NAME = /^[\x21-\x39\x3b-\x7e]{1,64}$/; // visible ASCII but the colon

/** Refuses a body of another format: 415. An absent Content-Type is taken for the right one. */
export function checkParametersType(contentType: string | undefined): void {
  if (contentType === undefined) return;
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (type !== PARAMETERS_TYPE)
    throw headerError('unsupportedMediaType', 'Content-Type', contentType, PARAMETERS_TYPE);
}

/** One line of a body. */
export interface ParameterLine {
  /** In lower case. */
  readonly name: string;
  /** What stands behind the colon; empty without one. */
  readonly value: string;
}

/** The lines of a body in order. RtspError 400 when malformed. */
export function parseParameters(body: Uint8Array): ParameterLine[] {
  const lines = Buffer.from(body)
    .toString('latin1')
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length > MAX_PARAMETER_LINES)
    throw new RtspError(
      'badRequest',
      `the body has ${lines.length} lines, expected at most ${MAX_PARAMETER_LINES}`,
    );
  return lines.map(parseLine);
}

function parseLine(line: string): ParameterLine {
  const colon = line.indexOf(':');
  const name = (colon < 0 ? line : line.slice(0, colon)).trim();
  if (!NAME.test(name))
    throw new RtspError('badRequest', `the body: found ${quoteWireValue(line)}, expected a parameter's name`);
  return { name: name.toLowerCase(), value: colon < 0 ? '' : line.slice(colon + 1).trim() };
}

/** Formats a body of names alone, or of names and values. */
export function formatParameters(lines: readonly (readonly [name: string, value?: string])[]): Uint8Array {
  return Buffer.from(
    lines.map(([name, value]) => (value === undefined ? `${name}\r\n` : `${name}: ${value}\r\n`)).join(''),
  );
}
