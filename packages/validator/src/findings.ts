import { readable } from "./characters.js";
import type { Severity, TraceStep } from "./diagnostic.js";
import { placeIn, type Origin, type Place } from "./origin.js";
import type { RuleId } from "./rules/index.js";

/** Something that was found, at a place of the script. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity | null;
  readonly message: string;
  readonly pos: number;
  readonly end: number;
  readonly resolved: string;
  readonly trace: readonly TraceStep[];
}

/** What is to be said about a place; the severity is the rule's own unless given. */
export interface Statement {
  readonly rule: RuleId;
  readonly message: string;
  /** The command as it was understood. */
  readonly resolved?: string;
  readonly trace?: readonly TraceStep[];
  readonly severity?: Severity | undefined;
}

/** Collects what is found: each rule once for each place. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #byRule = new Map<RuleId, Place[]>();
  readonly #known = new Set<string>();

  add(origin: Origin, place: Place, statement: Statement): void {
    const { rule, message, resolved = "", trace = [], severity = null } = statement;
    const { pos, end } = placeIn(origin, place);
    const key = `${rule}:${pos}`;
    if (this.#known.has(key) || this.#isInBody(origin, rule)) return;
    this.#known.add(key);
    const places = this.#byRule.get(rule);
    if (places === undefined) this.#byRule.set(rule, [{ pos, end }]);
    else places.push({ pos, end });
    this.all.push({
      rule,
      severity,
      message,
      pos,
      end,
      resolved: readable(resolved),
      trace: [...origin.trace, ...trace],
    });
  }

  /** What a function does whoever calls it is said once, where it stands. */
  #isInBody({ body }: Origin, rule: RuleId): boolean {
    if (body === undefined) return false;
    const places = this.#byRule.get(rule) ?? [];
    return places.some(({ pos, end }) => pos >= body.pos && end <= body.end);
  }
}
