/**
 * The parameters of a session that clients may ask for, and those of them that they may set, as tables. Called by GET_PARAMETER and
 * SET_PARAMETER. Rule: a name is known here or nowhere; times are in seconds, counts are of the tracks that the URL names; what PLAY
 * and SETUP decide is read-only, and its refusal says so. Spec: RFC 2326 §10.8, §10.9, §11.3.2, §11.3.9.
 */
import { Quality, type RtpSender, thinnedFramesOf } from '@finch/rtp';
import { RTSP_ERRORS, type RtspErrorCode } from './errors';
import { parseBandwidth } from './headers/delivery-wishes';
import { formatNptTime } from './headers/npt-time';
import { formatParameters, PARAMETERS_TYPE, type ParameterLine } from './headers/parameters';
import { formatScale, formatSpeed } from './headers/scale-speed';
import type { RtspReply } from './rtsp-reply';

const US_PER_S = 1_000_000;

/** What the parameters are read from. */
export interface ParameterSource {
  readonly positionUs: number;
  readonly durationUs: number;
  readonly scale: number;
  readonly speed: number;
  readonly quality: Quality;
  readonly state: string;
  /** In bits per second, as the client says; Infinity while he says nothing. */
  readonly bandwidthBps: number;
  /** Of the tracks that are asked about. */
  readonly senders: readonly RtpSender[];
}

/** What a viewer gets at each quality, for people. */
export const QUALITY_NAMES: Readonly<Record<Quality, string>> = {
  [Quality.full]: 'all',
  [Quality.noDisposable]: 'pictures that others refer to',
  [Quality.keyFrames]: 'key frames',
  [Quality.soundOnly]: 'the sound',
  [Quality.silent]: 'some pictures, no sound',
};

type Parameter = (source: ParameterSource) => string;

const PARAMETERS: ReadonlyMap<string, Parameter> = new Map<string, Parameter>([
  ['position', ({ positionUs }) => formatNptTime(positionUs / US_PER_S)],
  ['duration', ({ durationUs }) => formatNptTime(durationUs / US_PER_S)],
  ['state', ({ state }) => state],
  ['scale', ({ scale }) => formatScale(scale)],
  ['speed', ({ speed }) => formatSpeed(speed)],
  ['bandwidth', ({ bandwidthBps }) => (bandwidthBps === Infinity ? 'unknown' : String(bandwidthBps))],
  ['packets_sent', sumOf(({ packetCount }) => packetCount)],
  ['octets_sent', sumOf(({ octetCount }) => octetCount)],
  ['reports_received', sumOf(({ receivedReports }) => receivedReports)],
  ['reports_rejected', sumOf(({ rejectedReports }) => rejectedReports)],
  ['packets_lost', sumOf(({ cumulativeLost }) => cumulativeLost)],
  ['fraction_lost', worstOf(({ fractionLost }) => fractionLost / 256)],
  ['jitter', worstOf(({ jitterTicks, clockRateHz }) => jitterTicks / clockRateHz)],
  ['round_trip', worstOf(({ roundTripUs }) => Math.max(roundTripUs, 0) / US_PER_S)],
  ['packets_nacked', sumOf(({ nackedPackets }) => nackedPackets)],
  ['packets_retransmitted', sumOf(({ retransmittedPackets }) => retransmittedPackets)],
  ['quality', ({ quality }) => QUALITY_NAMES[quality]],
  ['thinned_frames', sumOf(({ thinned }) => thinnedFramesOf(thinned))],
  // Of those: pictures that no other refers to, the rest of groups of pictures that had begun, whole groups, sound.
  ['thinned_b_frames', sumOf(({ thinned }) => thinned.disposable)],
  ['thinned_p_frames', sumOf(({ thinned }) => thinned.upToKeyFrame)],
  ['thinned_groups', sumOf(({ thinned }) => thinned.wholeGroups)],
  ['thinned_group_frames', sumOf(({ thinned }) => thinned.groupFrames)],
  ['thinned_key_frames', sumOf(({ thinned }) => thinned.keyFrames)],
  ['thinned_sound', sumOf(({ thinned }) => thinned.audio)],
]);

/** What SET_PARAMETER changes. */
export interface ParameterTarget {
  /** In bits per second. */
  bandwidthBps: number;
}

/** Sets one parameter. */
export type ParameterChange = (target: ParameterTarget) => void;

// A mobile client's bandwidth changes in mid-play; all else has its header in PLAY or SETUP, and its answer there.
const SETTERS: ReadonlyMap<string, (value: string) => ParameterChange> = new Map([
  [
    'bandwidth',
    (value) => {
      const bandwidthBps = parseBandwidth(value);
      return (target) => {
        target.bandwidthBps = bandwidthBps;
      };
    },
  ],
]);

/** Answers 451 with the names that nobody knows; undefined when all are known. */
export function refuseUnknown(names: readonly string[]): RtspReply | undefined {
  const unknown = names.filter((name) => !PARAMETERS.has(name));
  return unknown.length > 0 ? refuse('parameterNotUnderstood', unknown, [...PARAMETERS.keys()]) : undefined;
}

/** Answers 451 with the names that nobody knows, or else 458 with those that can only be read; undefined when all can be set. */
export function refuseToSet(names: readonly string[]): RtspReply | undefined {
  const fixed = names.filter((name) => !SETTERS.has(name));
  if (fixed.length === 0) return undefined;
  return refuseUnknown(names) ?? refuse('parameterReadOnly', fixed, [...SETTERS.keys()]);
}

/** Reads what is to be set; all names can be. RtspError 400 for a value that can't be. */
export function readChanges(lines: readonly ParameterLine[]): ParameterChange[] {
  return lines.map(({ name, value }) => SETTERS.get(name)!(value));
}

/** Answers what was asked for, in the order asked; all names are known. */
export function answerParameters(names: readonly string[], source: ParameterSource): RtspReply {
  return parametersReply(
    200,
    names.map((name) => [name, PARAMETERS.get(name)!(source)]),
  );
}

// The body is for programs: the names in question. What was expected stands in the status line.
function refuse(code: RtspErrorCode, names: readonly string[], expected: readonly string[]): RtspReply {
  const { status, reason } = RTSP_ERRORS[code];
  const lines = names.map((name) => [name] as const);
  return { ...parametersReply(status, lines), reason: `${reason}, expected ${expected.join(' ')}` };
}

function parametersReply(status: number, lines: readonly (readonly [string, string?])[]): RtspReply {
  return { status, headers: { 'Content-Type': PARAMETERS_TYPE }, body: formatParameters(lines) };
}

function sumOf(value: (sender: RtpSender) => number): Parameter {
  return ({ senders }) => String(senders.reduce((sum, sender) => sum + value(sender), 0));
}

function worstOf(value: (sender: RtpSender) => number): Parameter {
  return ({ senders }) => Math.max(0, ...senders.map(value)).toFixed(6);
}
