/**
 * Reads the lines of figures that a server logs with --stats-interval 1. Used by the CI form.
 * Rule: the second with the most packets is the one to compare; the first and the last ones are not whole.
 */

const NAMES = { turns: 'turns/s', runs: 'runs/s', packets: 'packets/s' };

/** The counts of the busiest second of a log: { turns, runs, packets }. Throws Error when no packet was sent. */
export function busiestSecond(log) {
  const seconds = log
    .split('\n')
    .filter((line) => line.includes('packets/s='))
    .map(figuresOf);
  const busiest = seconds.reduce((best, second) => (second.packets > best.packets ? second : best), {
    packets: 0,
  });
  if (busiest.packets === 0) throw new Error('the server logged no second in which it sent');
  return busiest;
}

function figuresOf(line) {
  const read = (name) => Number(line.slice(line.indexOf(`${name}=`) + name.length + 1).split(' ', 1)[0]);
  return Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, read(name)]));
}
