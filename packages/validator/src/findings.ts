import { readable } from "./characters.js";
import type { Severity, TraceStep } from "./diagnostic.js";
import type { Place } from "./origin.js";
import type { RuleId } from "./rules/index.js";

/** Something that was found, at a place of the script. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity | null;
  readonly message: string;
  /** In UTF-16 units from the start of the file. */
  readonly pos: number;
  readonly end: number;
  /** The command as it was understood. */
  readonly resolved: string;
  readonly trace: readonly TraceStep[];
}

/** What has been found so far: each rule once at a place. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #places = new Map<RuleId, Place[]>();
  readonly #known = new Set<string>();

  /**
   * @param body the function in which it was found while a call of it was followed: what it does whoever calls it is
   * said once, where it stands
   */
  add(finding: Finding, body?: Place): void {
    const { rule, pos, end } = finding;
    const key = `${rule}:${pos}`;
    const places = this.#places.get(rule) ?? [];
    if (this.#known.has(key)) return;
    if (
      body !== undefined &&
      places.some((other) => other.pos >= body.pos && other.end <= body.end)
    )
      return;
    this.#known.add(key);
    places.push({ pos, end });
    this.#places.set(rule, places);
    this.all.push({ ...finding, resolved: readable(finding.resolved) });
  }
}
