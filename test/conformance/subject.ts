/**
 * The server that the conformance suite is about: a Finch of its own, or any other by FINCH_CONFORMANCE_URL. Used by the tests
 * of this folder. Rule: what is true of Finch only (how it is set, what it logs) is asked behind `isFinch`; what a server need
 * not offer is asked of those that say they do.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type FinchUnderTest, SAMPLE, startFinch } from '../support/finch-under-test';
import { RtspClient } from '../support/rtsp-client';

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
  connect(): Promise<RtspClient>;
}

/** Names what a server may leave out: methods that are not required (RFC 2326 §10), and the tunnel, which no RFC has. */
export type Optional = 'PAUSE' | 'GET_PARAMETER' | 'RTSP over HTTP';

const foreignUrl = process.env[URL_VARIABLE];
/** A test of what the RFC leaves to the server, or recommends, as Finch does it. */
export const itOfFinch = foreignUrl === undefined ? it : it.skip;

/** A test of what a server need not have: skipped, with a line that says so, where the server says that it has it not. */
export function itWith(optional: Optional): jest.It {
  if (offered.has(optional)) return it;
  process.stderr.write(`skipped: the server at ${foreignUrl} does not offer ${optional}\n`);
  return it.skip;
}

const offered: ReadonlySet<string> =
  foreignUrl === undefined ? new Set(['PAUSE', 'GET_PARAMETER', 'RTSP over HTTP']) : ask(foreignUrl);

/** Asks before there are tests: jest can't skip one that runs. Throws when there is no server. */
function ask(url: string): Set<string> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(__dirname, 'ask-server.js'), url]);
  if (status !== 0) throw new Error(`${URL_VARIABLE}=${url}: ${stderr}`);
  return new Set(JSON.parse(stdout.toString()) as string[]);
}

/** Starts a Finch with the sample for the tests of the file, or names the server of FINCH_CONFORMANCE_URL. */
export function subjectOfFile(): Subject {
  if (foreignUrl !== undefined) return subjectAt(foreignUrl);
  const finch = new OwnFinch();
  beforeAll(() => finch.start());
  afterAll(() => finch.stop());
  return finch;
}

class OwnFinch implements Subject {
  readonly host = '127.0.0.1';
  readonly isFinch = true;
  #finch!: FinchUnderTest;

  async start(): Promise<void> {
    this.#finch = await startFinch();
  }

  async stop(): Promise<void> {
    await this.#finch.stop();
  }

  get port(): number {
    return this.#finch.port;
  }

  get url(): string {
    return this.#finch.url(SAMPLE);
  }

  get missingUrl(): string {
    return this.#finch.url('no such movie.mp4');
  }

  connect(): Promise<RtspClient> {
    return RtspClient.connect({ port: this.port });
  }
}

function subjectAt(url: string): Subject {
  const { hostname, port, protocol, host } = new URL(url);
  if (protocol !== 'rtsp:') throw new TypeError(`${URL_VARIABLE} must be an rtsp:// URL: ${url}`);
  const to = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? RTSP_PORT : Number(port) };
  return {
    ...to,
    url,
    missingUrl: `rtsp://${host}/no-such-movie-${process.pid}.mp4`,
    isFinch: false,
    connect: () => RtspClient.connect(to),
  };
}
