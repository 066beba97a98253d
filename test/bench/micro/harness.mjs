/**
 * Times a loop of our own code: nanoseconds and bytes of heap for each unit of work. Used by the micro benchmarks, each in
 * a process of its own with --expose-gc. Rule: warmed up first, the median of several rounds, garbage collected between.
 */
import { median } from '../statistics.mjs';

const ROUNDS = 7;
const WARM_UP_ROUNDS = 3;

/**
 * Runs `round`, which does some thousand units of work and returns how many, and prints one line of JSON:
 * { name, unit, ns, bytes, units }, where `units` were done in all. Bytes are the growth of the heap over a round, garbage included, as long as no collection
 * falls into it; the least of all rounds.
 */
export function measure(name, unit, round) {
  let total = 0;
  for (let i = 0; i < WARM_UP_ROUNDS; i++) total += round();
  const times = [];
  const bytes = [];
  for (let i = 0; i < ROUNDS; i++) {
    globalThis.gc?.();
    const heapBefore = process.memoryUsage().heapUsed;
    const beganNs = process.hrtime.bigint();
    const units = round();
    total += units;
    times.push(Number(process.hrtime.bigint() - beganNs) / units);
    bytes.push((process.memoryUsage().heapUsed - heapBefore) / units);
  }
  const leastBytes = Math.min(...bytes.filter((value) => value >= 0), Infinity);
  const result = {
    name,
    unit,
    ns: median(times),
    bytes: Number.isFinite(leastBytes) ? leastBytes : 0,
    units: total,
  };
  console.log(JSON.stringify(result));
  return result;
}
