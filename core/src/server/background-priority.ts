/**
 * Lets threads that nobody's frames wait for yield to those that send them, where there are fewer cores than threads that
 * have work: blocking threads, and the threads on which V8 compiles and marks. Called by them, and by main at its start.
 * Rule: a thread only ever becomes less urgent, since becoming more urgent again needs a privilege. Spec: sched(7),
 * setpriority(2): on Linux a niceness is a thread's, and its id is a thread's id.
 */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Of blocking threads, which viewers wait for when they start and seek: a third of the share of a task thread. */
export const BLOCKING_NICENESS = 5;
/** Of the threads on which V8 compiles and marks, and nobody waits: a tenth of it. */
export const RUNTIME_NICENESS = 10;
const THIS_THREAD = 0;

/** Has the calling thread, a blocking one, yield to task threads. */
export function yieldThread(): void {
  lower(THIS_THREAD, BLOCKING_NICENESS);
}

/** Has the runtime's own threads yield: all but the main one. To be called before there are others. */
export function yieldRuntimeThreads(): void {
  for (const name of threadIds()) {
    const id = Number(name);
    if (id !== process.pid) lower(id, RUNTIME_NICENESS);
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
function lower(id: number, niceness: number): void {
  try {
    if (getPriority(id) < niceness) setPriority(id, niceness);
  } catch {}
}
