/**
 * What a viewer takes out of an SDP answer: which tracks there are and where to set them up. Used by viewers.
 * Rule: lines that are not understood are passed over; a description without a usable track is refused.
 * Spec: RFC 4566 §5; RFC 2326 appendix C.1.1 (control URLs).
 */

/** More tracks than this are not set up. */
export const MAX_TRACKS = 8;

/** Clock rates of the static payload types that movies use (RFC 3551 §6). */
const STATIC_CLOCK_RATES_HZ = new Map([
  [0, 8000],
  [8, 8000],
  [14, 90_000],
  [26, 90_000],
  [32, 90_000],
  [33, 90_000],
]);

/** A track to set up. */
export interface TrackDescription {
  readonly isVideo: boolean;
  readonly clockRateHz: number;
  /** Absolute. */
  readonly controlUrl: string;
}

/** A presentation to play. */
export interface PresentationDescription {
  /** Of the aggregate: what PLAY and TEARDOWN name. Absolute. */
  readonly controlUrl: string;
  readonly tracks: readonly TrackDescription[];
  /** The end of `a=range:npt=0-…` in seconds; 0 when it is not told. */
  readonly durationS: number;
}

interface MediaSection {
  readonly kind: string;
  readonly payloadType: number;
  readonly attributes: string[];
}

/** Reads an SDP answer; `baseUrl` is Content-Base, Content-Location or the URL that was asked for. Throws Error without tracks. */
export function readDescription(text: string, baseUrl: string): PresentationDescription {
  const session: string[] = [];
  const sections: MediaSection[] = [];
  for (const line of text.split(/\r?\n/)) {
    const media = /^m=(\S+) \S+ \S+ (\d+)/.exec(line);
    if (media !== null) sections.push({ kind: media[1]!, payloadType: Number(media[2]), attributes: [] });
    else if (line.startsWith('a=')) (sections.at(-1)?.attributes ?? session).push(line.slice(2));
  }
  const tracks = sections.slice(0, MAX_TRACKS).flatMap((section) => trackOf(section, baseUrl));
  if (tracks.length === 0) throw new Error('an SDP answer without a track that can be set up');
  const range = /npt=[^-]*-([\d.]+)/.exec(attributeOf(session, 'range') ?? '');
  return {
    controlUrl: resolveControl(baseUrl, attributeOf(session, 'control') ?? '*'),
    tracks,
    durationS: range === null ? 0 : Number(range[1]),
  };
}

/** Resolves a control attribute as players do: absolute, the base itself (`*`), or appended to the base. */
export function resolveControl(baseUrl: string, control: string): string {
  if (control === '*' || control === '') return baseUrl;
  if (/^rtsps?:\/\//i.test(control)) return control;
  return baseUrl.endsWith('/') ? baseUrl + control : `${baseUrl}/${control}`;
}

function trackOf({ kind, payloadType, attributes }: MediaSection, baseUrl: string): TrackDescription[] {
  const map = attributes.map((line) => /^rtpmap:(\d+) [^/]+\/(\d+)/.exec(line)).find((match) => match);
  const clockRateHz = map ? Number(map[2]) : (STATIC_CLOCK_RATES_HZ.get(payloadType) ?? 0);
  if (!(clockRateHz > 0)) return [];
  const controlUrl = resolveControl(baseUrl, attributeOf(attributes, 'control') ?? '*');
  return [{ isVideo: kind === 'video', clockRateHz, controlUrl }];
}

function attributeOf(attributes: readonly string[], name: string): string | undefined {
  return attributes.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
}
