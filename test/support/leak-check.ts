/**
 * Fails the test file that leaves something of the process behind: a mapped file, a descriptor with the event thread, an
 * idle timer. Loaded by jest before every test file. Rule: counted against what was there when the file began, since jest
 * runs several files in one process.
 */
import { native } from '@finch/native';
import { eventually } from './deadline';

function counted() {
  return { files: native.fileCount(), contexts: native.contextCount(), idleTimers: native.idleTimerCount() };
}

let before: ReturnType<typeof counted>;

beforeAll(() => {
  before = counted();
});

// Known by its name to leak-environment.ts, which has it run last.
afterAll(async function leakCheck() {
  // What is closed by another thread takes a moment.
  await eventually(() => expect(counted()).toEqual(before));
});
