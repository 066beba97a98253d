/**
 * The finch command: reads the configuration, serves, and ends in good order on Ctrl-C or SIGTERM. Run by scripts/start.mjs.
 * Rule: what the operator did wrong is one line on stderr and exit code 1; a clean stop is exit code 0.
 */
import { type Server, yieldRuntimeThreads } from '@finch/core';
import { ConfigError, type FinchConfig, loadConfig } from './config';
import { composeFinch, RTSP_SERVICE, RTSPS_SERVICE } from './finch';
import { createLog } from './log';
import { formatMovieUrls, listMovieUrls } from './movie-urls';

/** `finch load …` is the load generator; it is loaded only then. */
const LOAD_COMMAND = 'load';
/** A stop that takes longer than this is cut short. */
const STOP_LIMIT_MS = 1900;

async function main(): Promise<void> {
  if (process.argv[2] === LOAD_COMMAND) {
    const { runLoadCommand } = await import('@finch/load');
    process.exitCode = await runLoadCommand(process.argv.slice(3));
    return;
  }
  const loaded = loadConfig(process.argv.slice(2), process.env);
  if (loaded.kind === 'answer') {
    console.log(loaded.text);
    return;
  }
  const { config } = loaded;
  yieldRuntimeThreads();
  const log = createLog(config.logLevel);
  const server = composeFinch(config, log, (thread, error) => {
    log.error(`${thread} died: ${error.message}`, { stack: error.stack ?? '' });
    process.exit(1);
  });
  await server.start();
  stopOnSignal(server);
  await greet(server, config);
}

async function greet(server: Server, config: FinchConfig): Promise<void> {
  const { port } = server.addressesOf(RTSP_SERVICE)[0]!;
  const [encrypted] = server.addressesOf(RTSPS_SERVICE);
  const ports =
    encrypted === undefined ? `port ${port}` : `port ${port}, encrypted on port ${encrypted.port}`;
  const threads = `${config.threads} task ${plural('thread', config.threads)}, ${config.blockingThreads} blocking ${plural('thread', config.blockingThreads)}`;
  console.log(`Finch serves ${config.media} on ${ports} (${threads}).`);
  const found = await listMovieUrls(config.media, { host: config.hosts[0]!, port });
  for (const line of formatMovieUrls(found, config.media)) console.log(line);
  console.log('Press Ctrl-C to stop.');
}

function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}

// A terminal's Ctrl-C reaches npm and us, so the signal may come twice: the second one asks for nothing more.
function stopOnSignal(server: Server): void {
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: Error) => {
        console.error(`finch: ${error.message}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

main().catch((error: unknown) => {
  const isOurs = error instanceof ConfigError || (error instanceof Error && error.name === 'ListenError');
  console.error(
    `finch: ${isOurs ? (error as Error).message : error instanceof Error ? error.stack : String(error)}`,
  );
  process.exit(1);
});
