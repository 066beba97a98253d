/**
 * Jest's node environment with one difference: the leak check of leak-check.ts runs after all other afterAll hooks of a
 * file, which is when the file has cleaned up. (jest-circus runs them in the order in which they are defined.)
 */
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** The name by which the hook is known. */
export const LEAK_CHECK = 'leakCheck';

export default class LeakEnvironment extends TestEnvironment {
  async handleTestEvent(event: Circus.Event, state: Circus.State): Promise<void> {
    if (event.name !== 'run_start') return;
    const { hooks } = state.rootDescribeBlock;
    hooks.sort((a, b) => Number(a.fn.name === LEAK_CHECK) - Number(b.fn.name === LEAK_CHECK));
  }
}
