import { setMaxListeners } from "node:events";

/** A signal together with what keeps it alive. */
export interface LimitedSignal {
  readonly signal: AbortSignal;
  /** Stops the timer and lets go of the other signals. To be called when nothing waits any more. */
  release(): void;
}

/**
 * A signal that is raised after a time, or with the first of others. Node.js 20 collects what
 * `AbortSignal.any` makes of `AbortSignal.timeout`, timer and all, while somebody still waits for it.
 *
 * @param ms at most 24 days; null for no limit
 */
export function signalWithin(ms: number | null, ...others: readonly AbortSignal[]): LimitedSignal {
  const controller = new AbortController();
  const raise = (): void => controller.abort();
  // Any number of waiters may share a signal.
  if (others.length > 0) setMaxListeners(0, ...others);
  const timer = ms === null ? undefined : setTimeout(raise, ms);
  for (const other of others) {
    if (other.aborted) raise();
    other.addEventListener("abort", raise);
  }
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      for (const other of others) other.removeEventListener("abort", raise);
    },
  };
}
