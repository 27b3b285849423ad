export interface SoakReport {
  readonly seed: number;
  readonly seconds: number;
  /** What was done, and how often. */
  readonly counts: ReadonlyMap<string, number>;
  /** Most frequent warnings of the daemons' logs. */
  readonly warnings: readonly (readonly [what: string, count: number])[];
  readonly leftOut: readonly string[];
  readonly violations: readonly string[];
  /** Where the logs were kept; null when all went well. */
  readonly logs: string | null;
}

/** The report as text: a table, what was left out, the violations and how to see them again. */
export function formatReport(report: SoakReport): string {
  const { seed, seconds, counts, warnings, leftOut, violations, logs } = report;
  return [
    table([...counts].toSorted(([a], [b]) => a.localeCompare(b))),
    ...(warnings.length === 0 ? [] : ["", "Most frequent warnings in the logs:", table(warnings)]),
    ...leftOut.map((what) => `Left out: ${what}`),
    "",
    violations.length === 0
      ? "No violations."
      : `${violations.length} violations:\n${violations.map((text) => `- ${text}`).join("\n")}\nThe logs are in ${logs}.`,
    `The same disturbances again: npm run soak -- --seconds ${seconds} --seed ${seed}`,
    "",
  ].join("\n");
}

function table(rows: readonly (readonly [string, number])[]): string {
  const width = Math.max(0, ...rows.map(([what]) => what.length));
  return rows
    .map(([what, count]) => `${what.padEnd(width)}  ${String(count).padStart(6)}`)
    .join("\n");
}
