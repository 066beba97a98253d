/**
 * Looks for the number of viewers that a server carries: doubles until a run is not clean, then bisects. Used by the
 * command and by benchmarks. Rule: every step is a run of its own over the same server; the answer is the most viewers
 * of a clean run. What else a machine does spoils one run, clearly too many viewers spoil each: so a run that is not clean is
 * repeated, and at the limit the answer is what the server carries in one of so many runs.
 */
import type { LoadReport } from './load-report';
import { isComplete } from './load-report';

/** What a run must keep to be clean. */
export interface CapacityLimits {
  readonly maxP99Ms: number;
  /** Share of packets that may be lost, 0..1. */
  readonly maxLoss: number;
}

/** No lost packet, and frames at most 20 ms late. */
export const DEFAULT_LIMITS: CapacityLimits = { maxP99Ms: 20, maxLoss: 0 };

/** Where to look. */
export interface CapacitySearch {
  /** The first number tried; 1 or more. */
  readonly first: number;
  /** No more viewers than this. */
  readonly most: number;
  /** Ends when the answer is known to this share of it, 0.01..1. */
  readonly precision: number;
  /** Runs with one number of viewers before it counts as too many; 1 or more. */
  readonly attempts: number;
  readonly limits: CapacityLimits;
}

/** One run of a search. */
export interface CapacityStep {
  readonly viewers: number;
  readonly isClean: boolean;
  /** What was not clean; '' when all was. */
  readonly reason: string;
  readonly report: LoadReport;
}

/** What a search found. */
export interface CapacityResult {
  /** The most viewers of a clean run; 0 when none was. */
  readonly capacity: number;
  /** In the order of their viewers; of several attempts the last. */
  readonly steps: readonly CapacityStep[];
}

/** Says why a run was not clean; '' when it was. */
export function unclean(report: LoadReport, { maxP99Ms, maxLoss }: CapacityLimits): string {
  const { viewers, defects, lateness, window } = report;
  if (!isComplete(report))
    return `${viewers.playing} of ${viewers.asked} playing, ${viewers.endedEarly} ended early`;
  if (window.packets === 0) return 'no packets';
  if (defects.lost > maxLoss * window.packets) return `${defects.lost} packets lost`;
  if (lateness.p99Ms > maxP99Ms) return `p99 lateness ${lateness.p99Ms.toFixed(1)} ms`;
  return '';
}

/** Searches with `run`, which loads the server with that many viewers; `tell` hears of each attempt. */
export async function searchCapacity(
  search: CapacitySearch,
  run: (viewers: number) => Promise<LoadReport>,
  tell: (step: CapacityStep) => void,
): Promise<CapacityResult> {
  const steps: CapacityStep[] = [];
  const attempt = async (viewers: number): Promise<CapacityStep> => {
    const report = await run(viewers);
    const reason = unclean(report, search.limits);
    const step = { viewers, isClean: reason === '', reason, report };
    tell(step);
    return step;
  };
  const isClean = async (viewers: number): Promise<boolean> => {
    let step = await attempt(viewers);
    for (let again = 1; again < search.attempts && !step.isClean; again++) step = await attempt(viewers);
    steps.push(step);
    return step.isClean;
  };
  const capacity = await bisect(search, isClean);
  return { capacity, steps: steps.sort((a, b) => a.viewers - b.viewers) };
}

async function bisect(
  { first, most, precision }: CapacitySearch,
  isClean: (viewers: number) => Promise<boolean>,
): Promise<number> {
  let clean = 0;
  let next = Math.min(first, most);
  while (await isClean(next)) {
    clean = next;
    if (clean >= most) return clean;
    next = Math.min(clean * 2, most);
  }
  let unclean = next;
  while (unclean - clean > Math.max(1, clean * precision)) {
    const middle = Math.floor((clean + unclean) / 2);
    if (await isClean(middle)) clean = middle;
    else unclean = middle;
  }
  return clean;
}
