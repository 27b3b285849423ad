import type { Severity } from "./diagnostic.js";

export const FAMILIES = [
  "input",
  "destructive",
  "fork-bomb",
  "network",
  "reverse-shell",
  "privilege",
  "escape",
  "kernel",
  "obfuscation",
  "persistence",
  "miner",
  "secrets",
  "files",
] as const;
export type Family = (typeof FAMILIES)[number];

/** A rule as people read of it. What it matches is code, in `rules/`. */
export interface Rule {
  readonly id: string;
  readonly family: Family;
  readonly severity: Severity;
  /** What is wrong with it, completing "it ...". */
  readonly why: string;
  /** What to do instead. */
  readonly fix: string;
  /** Fetching something: harmless where there is no network, wanted where there is one. */
  readonly needsNetwork?: boolean;
  /** Nothing that an honest script does not do: shown, and blocking, in the profile `strict` only. */
  readonly strictOnly?: boolean;
}
