export const SEVERITIES = ["error", "warning", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A step between what stands in the script and what was found: a wrapper, an evaluation. */
export interface TraceStep {
  readonly kind: "wrapper" | "embedded" | "alias" | "function";
  readonly name: string;
}

/** Something in a script that its author should know about. */
export interface Diagnostic {
  readonly rule: string;
  readonly severity: Severity;
  readonly category: string;
  /** From 1; columns count characters (code points). */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** In UTF-16 units from the start of the file. */
  readonly offset: number;
  readonly message: string;
  /** The command as it was understood. */
  readonly resolved: string;
  /** The line of the script. */
  readonly source: string;
  readonly trace: readonly TraceStep[];
  readonly fix: string;
  readonly doc: string;
}

export interface Report {
  readonly schema: 1;
  readonly file: string;
  readonly verdict: "accept" | "reject";
  readonly profile: string;
  readonly counts: Readonly<Record<Severity, number>>;
  readonly diagnostics: readonly Diagnostic[];
}
