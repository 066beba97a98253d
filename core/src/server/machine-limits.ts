/**
 * What this machine lets the process have: memory, and descriptors. Read once, at the start, by the composition root and the
 * server. Rule: a container's limit counts, not the machine around it. Spec: proc(5).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** The share of the machine's memory that clients may cost when nobody says otherwise. */
const DEFAULT_MEMORY_SHARE = 0.5;
/** Descriptors that are not for connections: open movies, UDP sockets, surplus clients, what Node itself opens. */
const OTHER_DESCRIPTORS_MIN = 64;
const OTHER_DESCRIPTORS_SHARE = 0.1;

/** The memory that clients may cost when no option says otherwise, in bytes: half of what the machine or container has. */
export function defaultMemoryBudgetBytes(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return Math.floor((constrained > 0 && constrained < total ? constrained : total) * DEFAULT_MEMORY_SHARE);
}

/** How many connections the process has descriptors for, 1 or more; Infinity where nothing tells. */
export function connectionsByDescriptors(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    if (found === undefined) return Number.POSITIVE_INFINITY; // unlimited
    const free = Number(found) - readdirSync('/proc/self/fd').length;
    const others = Math.max(OTHER_DESCRIPTORS_MIN, Math.floor(free * OTHER_DESCRIPTORS_SHARE));
    return Math.max(1, free - others);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
