/**
 * The parameters of a session that clients may ask for, as a table. Called by GET_PARAMETER and SET_PARAMETER. Rule: a name
 * is known here or nowhere; times are in seconds, counts are of the tracks that the URL names. Spec: RFC 2326 §10.8, §10.9.
 */
import { Quality, type RtpSender, thinnedFramesOf } from '@finch/rtp';
import { formatNptTime } from './headers/npt-time';
import { formatParameters, PARAMETERS_TYPE } from './headers/parameters';
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

/** Answers 451 with the names that nobody knows; undefined when all are known. */
export function refuseUnknown(names: readonly string[]): RtspReply | undefined {
  const unknown = names.filter((name) => !PARAMETERS.has(name));
  return unknown.length > 0 ? refuse(451, unknown) : undefined;
}

/** Answers what was asked for, in the order asked; all names are known. */
export function answerParameters(names: readonly string[], source: ParameterSource): RtspReply {
  return parametersReply(
    200,
    names.map((name) => [name, PARAMETERS.get(name)!(source)]),
  );
}

/** Refuses to set: 451 with the names that nobody knows, or else 458 with those that can only be read. */
export function refuseParameters(names: readonly string[]): RtspReply {
  return refuseUnknown(names) ?? refuse(458, names);
}

function refuse(status: number, names: readonly string[]): RtspReply {
  return parametersReply(
    status,
    names.map((name) => [name]),
  );
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
