/** Minimum, median and maximum of some measurements, as text. */
export function summarize(values: readonly number[], unit: string): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.round(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `min ${at(0)} ${unit}, median ${at(0.5)} ${unit}, max ${at(1)} ${unit}`;
}
