/**
 * Transport: what a client offers for the packets of one track, best first, and what the server chose. Called
 * by SETUP. Rule: an alternative that cannot be read or served is left out; when nothing remains it is 400 for what could
 * not be read, 461 for what could.
 * Spec: RFC 2326 §12.39.
 *
 *   RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=4588-4589;mode="PLAY"
 *   |--------- one alternative --------|
 */

import { headerError, RtspError } from '../errors';
import { isToken, splitList, splitParameter } from './parameter-list';

const MAX_PORT = 65_535;
/** Channels have one byte in the frame that carries them (RFC 2326 §10.12). */
const MAX_CHANNEL = 255;
const MAX_TTL = 255;
const MAX_LAYERS = 255;

/** Profiles of Transport that are served, and what carries them; without a lower transport it is UDP. AVPF: RFC 4585. */
const LOWER_TRANSPORTS = {
  'RTP/AVP': 'UDP',
  'RTP/AVP/UDP': 'UDP',
  'RTP/AVP/TCP': 'TCP',
  'RTP/AVPF': 'UDP',
  'RTP/AVPF/UDP': 'UDP',
  'RTP/AVPF/TCP': 'TCP',
} as const;

/** Names a transport that is served, as spelled by the client but in upper case. */
export type TransportProfile = keyof typeof LOWER_TRANSPORTS;

/** Holds the two numbers of a pair: UDP ports 1..65535 or interleaved channels 0..255. */
export interface TransportPair {
  readonly rtp: number;
  readonly rtcp: number;
}

/** Describes one alternative of a Transport header. */
export interface Transport {
  readonly profile: TransportProfile;
  readonly lowerTransport: 'UDP' | 'TCP';
  /**
   * Multicast when neither is said (RFC 2326 §12.39), unless client_port, interleaved or TCP imply unicast.
   */
  readonly delivery: 'unicast' | 'multicast';
  /** Where the client receives; the RTP port may be odd. */
  readonly clientPort?: TransportPair;
  /** Where the server sends from. */
  readonly serverPort?: TransportPair;
  /** Multicast ports. */
  readonly port?: TransportPair;
  /** Channels on the RTSP connection. */
  readonly interleaved?: TransportPair;
  /** 0..2^32-1. */
  readonly ssrc?: number;
  /** Methods in upper case, PLAY or RECORD; empty means PLAY. */
  readonly modes: readonly string[];
  /**
   * Address the client wants the packets at; empty when named without an address. Sending there makes the
   * server a weapon against third parties unless it is the client's own address (RFC 2326 §12.39, §16).
   */
  readonly destination?: string;
  readonly source?: string;
  /** Multicast time to live, 0..255. */
  readonly ttl?: number;
  /** Multicast layers, 1..255. */
  readonly layers?: number;
  /** RECORD only: append to the resource. */
  readonly append: boolean;
}

type Draft = { -readonly [K in keyof Transport]: Transport[K] };

const HOST = /^[A-Za-z0-9.:\-_%[\]]{0,255}$/;

function malformed(found: string, expected: string): RtspError {
  return headerError('badRequest', 'Transport', found, expected);
}

function parseNumber(name: string, text: string | undefined, min: number, max: number): number {
  const number = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max)) throw malformed(`${name}=${text ?? ''}`, `a number ${min}..${max}`);
  return number;
}

/** `a-b`, or `a` alone, whose partner is the number after it. */
function parsePair(name: string, value: string | undefined, min: number, max: number): TransportPair {
  const [first, second, extra] = (value ?? '').split('-').map((part) => part.trim());
  const rtp = parseNumber(name, first, min, second === undefined ? max - 1 : max);
  const rtcp = second === undefined ? rtp + 1 : parseNumber(name, second, rtp, max);
  if (extra !== undefined) throw malformed(`${name}=${value}`, 'one number or two');
  return { rtp, rtcp };
}

function parseChannels(name: string, value: string | undefined): TransportPair {
  const pair = parsePair(name, value, 0, MAX_CHANNEL);
  if (pair.rtp === pair.rtcp) throw malformed(`${name}=${value}`, 'two different channels');
  return pair;
}

function parseSsrc(name: string, value: string | undefined): number {
  if (value === undefined || !/^[0-9A-Fa-f]{1,8}$/.test(value))
    throw malformed(`${name}=${value ?? ''}`, '8 hex digits');
  return Number.parseInt(value, 16);
}

function parseHost(name: string, value: string | undefined): string {
  if (!HOST.test(value ?? '')) throw malformed(`${name}=${value}`, 'an address');
  return value ?? '';
}

function parseModes(name: string, value: string | undefined): string[] {
  const modes = splitList('Transport', value ?? '', ',').map((mode) => mode.toUpperCase());
  if (modes.length === 0 || !modes.every(isToken))
    throw malformed(`${name}=${value ?? ''}`, 'a list of methods');
  return modes;
}

type ParameterReader = (draft: Draft, name: string, value: string | undefined) => void;

/**
 * Readers of the known parameters; all others are ignored, as the specification asks. The last of a kind
 * counts.
 */
const PARAMETER_READERS: ReadonlyMap<string, ParameterReader> = new Map<string, ParameterReader>([
  ['client_port', (draft, name, value) => (draft.clientPort = parsePair(name, value, 1, MAX_PORT))],
  ['server_port', (draft, name, value) => (draft.serverPort = parsePair(name, value, 1, MAX_PORT))],
  ['port', (draft, name, value) => (draft.port = parsePair(name, value, 1, MAX_PORT))],
  ['interleaved', (draft, name, value) => (draft.interleaved = parseChannels(name, value))],
  ['ssrc', (draft, name, value) => (draft.ssrc = parseSsrc(name, value))],
  ['mode', (draft, name, value) => (draft.modes = parseModes(name, value))],
  ['destination', (draft, name, value) => (draft.destination = parseHost(name, value))],
  ['source', (draft, name, value) => (draft.source = parseHost(name, value))],
  ['ttl', (draft, name, value) => (draft.ttl = parseNumber(name, value, 0, MAX_TTL))],
  ['layers', (draft, name, value) => (draft.layers = parseNumber(name, value, 1, MAX_LAYERS))],
  ['append', (draft) => (draft.append = true)],
]);

function isProfile(text: string): text is TransportProfile {
  return Object.hasOwn(LOWER_TRANSPORTS, text);
}

function parseAlternative(text: string): Transport | undefined {
  const [spec = '', ...rest] = splitList('Transport', text, ';');
  const profile = spec.toUpperCase();
  if (!isProfile(profile)) return foreignProfile(spec);
  const draft: Draft = {
    profile,
    lowerTransport: LOWER_TRANSPORTS[profile],
    delivery: 'multicast',
    modes: [],
    append: false,
  };
  const names: string[] = [];
  for (const item of rest) {
    const { name, value } = splitParameter(item);
    names.push(name);
    PARAMETER_READERS.get(name)?.(draft, name, value);
  }
  draft.delivery = deliveryOf(draft, names);
  return draft;
}

// The parameters of a foreign profile have a grammar of their own: they are not looked at.
function foreignProfile(spec: string): undefined {
  const words = spec.split('/');
  if (words.length < 2 || words.length > 3 || !words.every(isToken)) throw malformed(spec, 'RTP/AVP');
}

function deliveryOf(draft: Draft, names: readonly string[]): 'unicast' | 'multicast' {
  const isSaid = names.includes('unicast');
  const isMulticast = names.includes('multicast');
  if (isSaid && isMulticast) throw malformed('unicast;multicast', 'one of the two');
  if (isMulticast) return 'multicast';
  // client_port is defined as the unicast pair, and a TCP connection has one far end.
  const isUnicast = isSaid || names.includes('client_port') || names.includes('interleaved');
  return isUnicast || draft.lowerTransport === 'TCP' ? 'unicast' : 'multicast';
}

/**
 * Parses a Transport header to its alternatives in the client's order. Those of other profiles (RTP/SAVP, MP2T/H2221/UDP) are
 * left out, so the result may be empty; so are those that are malformed.
 * RtspError 400 when the header is empty, or every alternative is malformed: then it is about the first.
 */
export function parseTransport(value: string): Transport[] {
  const alternatives = splitList('Transport', value, ',');
  const parsed: Transport[] = [];
  let refusal: RtspError | undefined;
  let malformedCount = 0;
  for (const alternative of alternatives) {
    try {
      const transport = parseAlternative(alternative);
      if (transport !== undefined) parsed.push(transport);
    } catch (error) {
      if (!(error instanceof RtspError)) throw error;
      refusal ??= error;
      malformedCount++;
    }
  }
  if (malformedCount === alternatives.length) throw refusal ?? malformed(value, 'RTP/AVP');
  return parsed;
}

function isAcceptable(transport: Transport): boolean {
  if (transport.delivery !== 'unicast') return false;
  if (transport.modes.length > 0 && !transport.modes.includes('PLAY')) return false;
  return transport.lowerTransport === 'TCP' || transport.clientPort !== undefined;
}

/**
 * Chooses the alternatives that a server can serve, in their order: unicast, for PLAY, over TCP or to a client_port over UDP.
 * RtspError 461 when there is none (RFC 2326 §11.3.12).
 */
export function selectTransports(alternatives: readonly Transport[]): Transport[] {
  const chosen = alternatives.filter(isAcceptable);
  if (chosen.length === 0)
    throw new RtspError(
      'unsupportedTransport',
      'Transport: expected unicast RTP/AVP with client_port, or RTP/AVP/TCP, for PLAY',
    );
  return chosen;
}

/**
 * Formats one alternative, for the answer of SETUP. RangeError on a number out of range, TypeError on an
 * address or a mode that does not fit the grammar; both name the argument.
 */
export function formatTransport(transport: Transport): string {
  const { clientPort, serverPort, port, interleaved, ssrc, modes } = transport;
  let text = `${transport.profile};${transport.delivery}`;
  if (transport.destination !== undefined) text += formatHost('destination', transport.destination);
  if (transport.source !== undefined) text += formatHost('source', transport.source);
  if (interleaved !== undefined) text += formatPair('interleaved', interleaved, 0, MAX_CHANNEL);
  if (transport.append) text += ';append';
  if (transport.ttl !== undefined) text += `;ttl=${checkNumber('ttl', transport.ttl, 0, MAX_TTL)}`;
  if (transport.layers !== undefined)
    text += `;layers=${checkNumber('layers', transport.layers, 1, MAX_LAYERS)}`;
  if (port !== undefined) text += formatPair('port', port, 1, MAX_PORT);
  if (clientPort !== undefined) text += formatPair('client_port', clientPort, 1, MAX_PORT);
  if (serverPort !== undefined) text += formatPair('server_port', serverPort, 1, MAX_PORT);
  if (ssrc !== undefined) text += `;ssrc=${formatSsrc(ssrc)}`;
  if (modes.length > 0) text += formatModes(modes);
  return text;
}

function formatHost(name: string, host: string): string {
  if (!HOST.test(host)) throw new TypeError(`${name} must be an address: ${host}`);
  return host === '' ? `;${name}` : `;${name}=${host}`;
}

function formatPair(name: string, pair: TransportPair, min: number, max: number): string {
  return `;${name}=${checkNumber(name, pair.rtp, min, max)}-${checkNumber(name, pair.rtcp, pair.rtp, max)}`;
}

function formatSsrc(ssrc: number): string {
  return checkNumber('ssrc', ssrc, 0, 0xffff_ffff).toString(16).toUpperCase().padStart(8, '0');
}

function formatModes(modes: readonly string[]): string {
  if (!modes.every(isToken)) throw new TypeError(`modes must be methods: ${modes.join()}`);
  return `;mode="${modes.join(',')}"`;
}

function checkNumber(name: string, number: number, min: number, max: number): number {
  if (!Number.isInteger(number) || number < min || number > max)
    throw new RangeError(`${name} must be ${min}..${max}: ${number}`);
  return number;
}
