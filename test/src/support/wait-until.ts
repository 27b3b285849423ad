import { setTimeout as delay } from "node:timers/promises";

/** Waits for a condition, looking often; fails with its description after 30 s. */
export async function waitUntil(
  what: string,
  condition: () => Promise<boolean> | boolean,
): Promise<void> {
  const until = Date.now() + 30_000;
  while (Date.now() < until) {
    if (await condition()) return;
    await delay(20);
  }
  throw new Error(`waited 30 s in vain until ${what}`);
}
