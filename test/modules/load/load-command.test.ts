/** The command against a whole server: every way of receiving, churn, seeks, slow readers; nothing lost, nobody left. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadReport } from '@finch/load';
import { type FinchUnderTest, SAMPLE, startFinch, temporaryFolder } from '../../support/finch-under-test';

const MAIN = require.resolve('@finch/load/main');
const LIMIT_MS = 20_000;
const QUICK = ['--ramp', '100', '--settle', '0.1', '--duration', '0.5'];

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { timeout: LIMIT_MS });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

describe('finch load', () => {
  let finch: FinchUnderTest;
  const folder = temporaryFolder();

  beforeAll(async () => {
    finch = await startFinch();
  });

  afterAll(async () => {
    folder.remove();
    await finch.stop();
  });

  async function load(...flags: string[]): Promise<LoadReport> {
    const json = join(folder.path, 'report.json');
    const { code, output } = await run([finch.url(SAMPLE), '-n', '8', ...QUICK, '--json', json, ...flags]);
    expect({ code, output }).toMatchObject({ code: 0 });
    return JSON.parse(readFileSync(json, 'utf8')) as LoadReport;
  }

  it.each([
    ['UDP in runs', ['-t', 'udp']],
    ['UDP, datagram by datagram', ['-t', 'udp', '--no-gro']],
    ['TCP', ['-t', 'tcp']],
    ['a tunnel through HTTP', ['-t', 'http']],
  ])('plays to 8 viewers over %s and loses nothing', async (_way, flags) => {
    const report = await load(...flags);
    expect(report.viewers).toMatchObject({ playing: 8, failed: 0, endedEarly: 0 });
    expect(report.window.packets).toBeGreaterThan(100);
    expect(report.defects).toMatchObject({ lost: 0, lostBefore: 0, duplicates: 0, malformed: 0 });
    expect(report.startUp.count).toBe(8);
    expect(report.videoGaps.count).toBeGreaterThan(0);
  });

  it('replaces viewers', async () => {
    const report = await load('--churn', '10');
    expect(report.viewers).toMatchObject({ failed: 0, endedEarly: 0 });
    expect(report.newcomerStartUp.count).toBeGreaterThan(0);
  });

  it('has viewers seek and counts nothing of it as lost', async () => {
    const report = await load('--seeks', '10', '-t', 'tcp');
    expect(report.seek.count).toBeGreaterThan(0);
    expect(report.defects).toMatchObject({ lost: 0, duplicates: 0 });
  });

  it('has a server fill its viewers with --ahead alone', async () => {
    const inTime = await load('-t', 'tcp', '--duration', '1');
    const filled = await load('-t', 'tcp', '--duration', '1', '--ahead');
    expect(filled.window.packets / inTime.window.packets).toBeGreaterThan(1.4); // it goes at twice the rate
  });

  it('reads the CPU and memory of the server', async () => {
    const report = await load('--server-pid', String(process.pid));
    expect(report.server?.rssMib).toBeGreaterThan(1);
  });

  it.each(['tcp', 'udp'])('lets slow readers hang over %s without harm to the others', async (way) => {
    const report = await load('-t', way, '--slow', '0.5');
    expect(report.viewers.playing).toBe(8);
    expect(report.defects.lost).toBe(0);
  });

  it('says why viewers failed and exits with 3', async () => {
    const { code, output } = await run([finch.url('missing.mp4'), '-n', '2', ...QUICK]);
    expect(output).toContain('2 x DESCRIBE: 404');
    expect(code).toBe(3);
  });

  it.each([
    [['not-a-url'], 1, 'not an RTSP URL'],
    [['rtsp://127.0.0.1/x', '-n', 'many'], 2, 'viewers'],
  ])('answers %p with exit code %i', async (args, expected, text) => {
    const { code, output } = await run(args);
    expect({ code, text: output.includes(text) }).toEqual({ code: expected, text: true });
  });
});
