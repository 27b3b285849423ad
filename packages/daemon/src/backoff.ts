export interface BackoffSettings {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before the next try: doubling from `firstMs` up to `maxMs`, the upper half of
 * it random, so that clients that lost the same server do not come back in step.
 *
 * @param failures how many tries have failed, from 1
 * @param random a number in [0, 1)
 */
export function backoffMs(failures: number, settings: BackoffSettings, random: number): number {
  const ceiling = Math.min(settings.maxMs, settings.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
