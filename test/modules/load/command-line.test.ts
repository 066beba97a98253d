/** The command line of the load generator. */
import { parseCommandLine, UsageError } from '@finch/load/command-line';
import { DEFAULT_OPTIONS } from '@finch/load/load-options';

const URL = 'rtsp://127.0.0.1/movie.mp4';

describe('parseCommandLine', () => {
  it('takes a URL alone, with the defaults for the rest', () => {
    expect(parseCommandLine([URL])).toEqual({
      kind: 'load',
      options: { ...DEFAULT_OPTIONS, url: URL },
      jsonFile: '',
    });
  });

  it.each([
    [['-n', '500'], { viewers: 500 }],
    [['--ramp', '0.5'], { rampPerSecond: 0.5 }],
    [['--duration', '2.5', '--settle', '1'], { durationMs: 2500, settleMs: 1000 }],
    [['-t', 'tcp', '--slow', '0.25'], { transport: 'tcp', slowFraction: 0.25 }],
    [['--no-gro'], { takesRuns: false }],
    [['--ahead'], { takesAhead: true }],
    [['--server-pid', '12', '--server-pid', '34'], { serverPids: [12, 34] }],
    [['--churn', '100', '--seeks', '50'], { churnPerSecond: 100, seeksPerSecond: 50 }],
  ])('reads %p', (flags, expected) => {
    expect(parseCommandLine([URL, ...flags])).toMatchObject({ options: expected });
  });

  it('reads a capacity search', () => {
    const argv = [URL, '--capacity', '-n', '200', '--most', '900', '--max-lateness', '15', '--svg', 'c.svg'];
    expect(parseCommandLine(argv)).toMatchObject({
      kind: 'capacity',
      svgFile: 'c.svg',
      search: { first: 200, most: 900, attempts: 2, limits: { maxP99Ms: 15, maxLoss: 0 } },
    });
    expect(parseCommandLine([...argv, '--attempts', '3'])).toMatchObject({ search: { attempts: 3 } });
  });

  it.each([
    [[], 'url'],
    [[URL, '-n', '0'], 'viewers'],
    [[URL, '-n', '1.5'], 'whole number'],
    [[URL, '-t', 'smoke'], 'transport'],
    [[URL, '--slow', '2'], '0..1'],
    [[URL, '--no-such-flag'], 'no-such-flag'],
    [[URL, '--capacity', '--ahead'], 'nothing is late'],
  ])('refuses %p in one line', (argv, text) => {
    expect(() => parseCommandLine(argv)).toThrow(UsageError);
    expect(() => parseCommandLine(argv)).toThrow(new RegExp(`^[^\\n]*${text}[^\\n]*$`));
  });

  it('answers --help', () => {
    expect(parseCommandLine(['--help'])).toMatchObject({
      kind: 'answer',
      text: expect.stringContaining('--viewers'),
    });
  });
});
