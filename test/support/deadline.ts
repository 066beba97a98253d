/**
 * Waiting in tests without sleeping: for something that arrives (Changes) and for something that can only be asked (eventually).
 * Rule: every wait has a deadline, and says what it waited for when that has passed.
 */

/** How long a test waits for what should come at once, in milliseconds; a loaded machine takes its time. */
export const DEADLINE_MS = 8000;
const ASK_AGAIN_MS = 10;

/** A condition that is looked at again whenever something has changed. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Says that something has changed. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves with what `look` finds: the first value that is neither undefined nor false. What `look` throws rejects. */
  until<Found>(look: () => Found | undefined | false, what: string, timeoutMs = DEADLINE_MS): Promise<Found> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(again);
      };
      const again = () => {
        try {
          const found = look();
          if (found === undefined || found === false) return;
          end();
          resolve(found);
        } catch (error) {
          end();
          reject(error);
        }
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`));
      }, timeoutMs);
      this.#waiting.add(again);
      again();
    });
  }
}

/** Asks until the expectations of `check` hold; rejects with the last failure when they never do. */
export async function eventually(check: () => void | Promise<void>, timeoutMs = DEADLINE_MS): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}
