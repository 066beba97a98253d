/**
 * Lets threads that nobody's frames wait for yield to those that send them, where there are fewer cores than threads that
 * have work: blocking threads, and the threads on which V8 compiles and marks. Called by them, and by main at its start.
 * Rule: a thread only ever becomes less urgent, since becoming more urgent again needs a privilege. Spec: sched(7),
 * setpriority(2): on Linux a niceness is a thread's, and its id is a thread's id.
 */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** About a tenth of the share of a thread of niceness 0 that wants the same core. */
export const BACKGROUND_NICENESS = 10;
const THIS_THREAD = 0;

/** Has the calling thread, and those it starts from now on, yield to the others. */
export function yieldThread(): void {
  lower(THIS_THREAD);
}

/** Has all threads of the process but its main one yield. To be called before there are threads that shall not. */
export function yieldRuntimeThreads(): void {
  for (const name of threadIds()) {
    const id = Number(name);
    if (id !== process.pid) lower(id);
  }
}

function threadIds(): readonly string[] {
  try {
    return readdirSync('/proc/self/task');
  } catch {
    return []; // no /proc
  }
}

// A system that forbids it, or a thread that has just ended, costs a preference and no more.
function lower(id: number): void {
  try {
    if (getPriority(id) < BACKGROUND_NICENESS) setPriority(id, BACKGROUND_NICENESS);
  } catch {}
}
