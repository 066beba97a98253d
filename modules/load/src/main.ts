/**
 * The load command: runs one load, or looks for a server's capacity. Run by `npm run load -- …`.
 * Exit codes: 0 every viewer was played to the end of the window; 3 not so; 2 bad usage; 1 anything else.
 */
import { writeFileSync } from 'node:fs';
import { type CapacityStep, searchCapacity } from './capacity';
import { drawCapacity } from './capacity-chart';
import { type LoadCommand, parseCommandLine, UsageError } from './command-line';
import { LoadEngine } from './load-engine';
import { isComplete, type LoadReport } from './load-report';
import { formatReport } from './report-table';

const ExitCode = { ok: 0, failed: 1, usage: 2, incomplete: 3 } as const;

/** Runs the command that `argv` names; returns the exit code. */
export async function runLoadCommand(argv: readonly string[]): Promise<number> {
  const command = parseCommandLine(argv);
  if (command.kind === 'answer') {
    process.stdout.write(command.text);
    return ExitCode.ok;
  }
  const engine = new LoadEngine((error) => console.error(error));
  try {
    return command.kind === 'load' ? await load(engine, command) : await capacity(engine, command);
  } finally {
    await engine.close();
  }
}

async function load(engine: LoadEngine, command: LoadCommand & { kind: 'load' }): Promise<number> {
  const { options, jsonFile } = command;
  const report = await engine.run(options);
  for (const line of formatReport(report)) console.log(line);
  writeJson(jsonFile, report);
  return isComplete(report) ? ExitCode.ok : ExitCode.incomplete;
}

async function capacity(engine: LoadEngine, command: LoadCommand & { kind: 'capacity' }): Promise<number> {
  const { options, search, jsonFile, svgFile } = command;
  const run = (viewers: number) => engine.run({ ...options, viewers });
  const result = await searchCapacity(search, run, (step) => console.log(formatStep(step)));
  console.log(`capacity: ${result.capacity} viewers (${options.transport})`);
  writeJson(jsonFile, result);
  if (svgFile !== '')
    writeFileSync(svgFile, drawCapacity(result, search.limits.maxP99Ms, options.transport.toUpperCase()));
  return result.capacity > 0 ? ExitCode.ok : ExitCode.incomplete;
}

function formatStep({ viewers, isClean, reason, report }: CapacityStep): string {
  const cost = report.server === null ? '' : `, ${report.server.cpuUsPerPacket.toFixed(2)} us a packet`;
  const lateness = `p99 ${report.lateness.p99Ms.toFixed(1)} ms`;
  return `${String(viewers).padStart(6)} viewers: ${isClean ? 'clean' : reason} (${lateness}${cost})`;
}

function writeJson(file: string, value: LoadReport | object): void {
  if (file === '') return;
  const text = `${JSON.stringify(value, null, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}

if (require.main === module) {
  runLoadCommand(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const isUsage = error instanceof UsageError;
      console.error(`finch load: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = isUsage ? ExitCode.usage : ExitCode.failed;
    },
  );
}
