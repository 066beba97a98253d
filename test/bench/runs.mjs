/**
 * Loads programs for the figures: by turns, as often as asked, and each load once for all figures that want it.
 * Used by the figures and the CI form. Rule: programs that are compared run in turn, never beside each other.
 */
import { runLoad } from './programs.mjs';
import { median } from './statistics.mjs';

/** Starts a program, loads it once, stops it. */
export async function loadOnce(start, { viewers, seconds, ramp }, args) {
  const server = await start();
  try {
    return await runLoad(server, ['-n', viewers, '--ramp', ramp, '--duration', seconds, ...args]);
  } finally {
    await server.stop();
  }
}

const shared = new Map();

/**
 * Loads each of `programs` as often as `repeats` says, by turns; the reports of each. Figures that want the same load of the
 * same program share its reports.
 */
export async function inTurn(programs, { repeats, ...load }, args) {
  const { viewers, seconds, ramp } = load;
  const found = programs.map(({ name }) => {
    const key = [name, viewers, seconds, ramp, ...args].join(' ');
    if (!shared.has(key)) shared.set(key, []);
    return shared.get(key);
  });
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const [i, { name, start }] of programs.entries())
      if (found[i].length <= repeat) found[i].push(told(name, await loadOnce(start, load, args)));
  return found;
}

// A program that plays to fewer viewers, or on a machine that is full, has figures that say nothing.
function told(name, report) {
  const { playing, asked, reasons } = report.viewers;
  if (playing < asked)
    console.log(`  ! ${name}: ${playing} of ${asked} viewers played: ${JSON.stringify(reasons)}`);
  for (const warning of report.warnings) console.log(`  ! ${name}: ${warning}`);
  return report;
}

/** The median of what `pick` finds in each report. */
export function medianOf(reports, pick) {
  return median(reports.map(pick));
}

/** A row of the table that a figure prints. */
export function row(what, value, unit, target, isMet) {
  return { what, value, unit, target, isMet };
}
