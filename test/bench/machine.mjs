/** What a result was measured on. Used by scripts/bench.mjs. */
import { cpus, release, totalmem } from 'node:os';

/** Facts that a result is worth nothing without. */
export function describeMachine() {
  const [core] = cpus();
  return {
    cores: cpus().length,
    model: core?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
  };
}
