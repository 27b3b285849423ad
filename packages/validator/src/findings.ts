import { BudgetExceeded } from "./budget.js";
import { readable } from "./characters.js";
import type { Severity, TraceStep } from "./diagnostic.js";
import { LIMITS, MAX_RESOLVED } from "./limits.js";

/** Something that was found, at a place of the script. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** In UTF-16 units from the start of the file. */
  readonly pos: number;
  readonly end: number;
  /** The command as it was understood, for people; cut where it is long. */
  readonly resolved: string;
  readonly trace: readonly TraceStep[];
}

/** A piece of the script. */
export interface Span {
  readonly pos: number;
  readonly end: number;
}

const MAX_MESSAGE = 500;

const RANKS: readonly Severity[] = ["error", "warning", "info"];

/** What has been found so far: each rule once at a place, or once more where it is found to be worse. */
export class Findings {
  readonly #all: Finding[] = [];
  /** Where each rule has been found, in order. */
  readonly #places = new Map<string, number[]>();

  get all(): readonly Finding[] {
    return this.#all;
  }

  /**
   * @param body the function in which it was found while a call of it was followed: what it does whoever calls it is
   * said once, where it stands
   * @throws BudgetExceeded
   */
  add(finding: Finding, body?: Span): void {
    const { rule, severity, pos } = finding;
    for (const rank of RANKS.slice(0, RANKS.indexOf(severity) + 1)) {
      const known = this.#places.get(`${rule} ${rank}`);
      if (known === undefined) continue;
      if (known[firstFrom(known, pos)] === pos) return;
      if (body !== undefined && (known[firstFrom(known, body.pos)] ?? Infinity) < body.end) return;
    }
    if (this.#all.length >= LIMITS.findings)
      throw new BudgetExceeded(`it has more than ${LIMITS.findings} findings`);
    const key = `${rule} ${severity}`;
    const places = this.#places.get(key) ?? [];
    places.splice(firstFrom(places, pos), 0, pos);
    this.#places.set(key, places);
    this.#all.push({
      ...finding,
      end: Math.max(finding.pos, finding.end),
      message: cut(readable(finding.message), MAX_MESSAGE),
      resolved: readable(cut(finding.resolved, MAX_RESOLVED)),
    });
  }
}

/** A text of a bounded length, with a mark where something is left out. */
export function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** Index of the first place that is not before another. */
function firstFrom(places: readonly number[], pos: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) < pos) low = middle + 1;
    else high = middle;
  }
  return low;
}
