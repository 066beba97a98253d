/**
 * The server that the conformance suite is about: a Finch of its own, or any other by FINCH_CONFORMANCE_URL. Used by the tests
 * of this folder. Rule: what is true of Finch only (how it is set, what it logs) is asked behind `isFinch`.
 */
import { type FinchUnderTest, SAMPLE, startFinch } from '../support/finch-under-test';
import { type ClientOptions, RtspClient } from '../support/rtsp-client';

/** Names the URL of a movie on the server to test: two tracks, ten seconds or more. */
export const URL_VARIABLE = 'FINCH_CONFORMANCE_URL';
const RTSP_PORT = 554;

/** A server and one movie on it. */
export interface Subject {
  readonly host: string;
  readonly port: number;
  /** The movie's URL. */
  readonly url: string;
  /** A URL at which there is no movie. */
  readonly missingUrl: string;
  readonly isFinch: boolean;
  connect(options?: Partial<ClientOptions>): Promise<RtspClient>;
  stop(): Promise<void>;
}

/** Whether the suite tests a server that is not Finch: tests of what the RFC leaves open are skipped then. */
export const isForeign = process.env[URL_VARIABLE] !== undefined;
/** A test of what the RFC leaves to the server, or recommends, as Finch does it. */
export const itOfFinch = isForeign ? it.skip : it;

/** Starts a Finch with the sample, or names the server of FINCH_CONFORMANCE_URL. */
export async function openSubject(): Promise<Subject> {
  const given = process.env[URL_VARIABLE];
  return given === undefined ? ofFinch(await startFinch()) : ofUrl(given);
}

function ofFinch(finch: FinchUnderTest): Subject {
  return {
    host: '127.0.0.1',
    port: finch.port,
    url: finch.url(SAMPLE),
    missingUrl: finch.url('no such movie.mp4'),
    isFinch: true,
    connect: (options) => RtspClient.connect({ port: finch.port, ...options }),
    stop: () => finch.stop(),
  };
}

function ofUrl(url: string): Subject {
  const { hostname, port, protocol, host } = new URL(url);
  if (protocol !== 'rtsp:') throw new TypeError(`${URL_VARIABLE} must be an rtsp:// URL: ${url}`);
  const to = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? RTSP_PORT : Number(port) };
  return {
    ...to,
    url,
    missingUrl: `rtsp://${host}/no-such-movie-${process.pid}.mp4`,
    isFinch: false,
    connect: (options) => RtspClient.connect({ ...to, ...options }),
    stop: async () => {},
  };
}
