/** A timer of Node.js that is to wait longer does not wait at all: 24 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls a function after any time, also months.
 *
 * @returns calls it off
 */
export function callAfter(ms: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const nowMs = Math.min(leftMs, LONGEST_TIMER_MS);
    timer = setTimeout(() => (leftMs > nowMs ? wait(leftMs - nowMs) : act()), nowMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
