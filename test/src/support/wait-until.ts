import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for a condition, looking often.
 *
 * @throws Error with the condition's description when the time is over
 */
export async function waitUntil(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (performance.now() < until) {
    if (await condition()) return;
    await delay(20);
  }
  throw new Error(`waited ${timeoutMs / 1000} s in vain until ${what}`);
}
