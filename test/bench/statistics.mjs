/** Medians and their kin. Used by the figures. Rule: a benchmark shows a median of interleaved runs and how far they spread. */

/** The median of numbers; NaN of none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Largest less smallest, as a share of the median: 0.1 is 10 %. */
export function spread(values) {
  const center = median(values);
  return center === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / center;
}

/** A number with as many digits as are worth reading. */
export function format(value, digits = 3) {
  if (!Number.isFinite(value)) return '-';
  return String(Number(value.toPrecision(digits)));
}
