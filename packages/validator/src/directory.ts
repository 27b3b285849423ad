import { BudgetExceeded } from "./budget.js";
import { HOME, UNKNOWN, isAnchored, isKnown, withoutUnset } from "./characters.js";
import { LIMITS } from "./limits.js";
import { normalizePath } from "./paths.js";
import type { Invocation } from "./unwrap.js";

/** Follows `cd` and `ln -s`, so that relative paths are seen for what they are. */
export class Directory {
  /** From the job's directory where it is relative; null when it is not known. */
  #current: string | null = "";
  #moved = false;
  /** Links that the script makes to places outside the job. */
  readonly #links = new Map<string, string>();

  /** Whether the script has changed its directory at all. */
  get moved(): boolean {
    return this.#moved;
  }

  /** Looks at something that has a directory of its own, as a subshell has. */
  within(look: () => void): void {
    const before = this.#current;
    look();
    this.#current = before;
  }

  /** @throws BudgetExceeded */
  follow({ name, args }: Invocation): void {
    if (name === "popd") this.#current = null;
    const [first, second = ""] = args.filter((arg) => !arg.startsWith("-"));
    if (name === "ln" && args.some((arg) => /^-\w*s/.test(arg))) {
      if (first?.startsWith("/") === true && isKnown(second))
        this.#links.set(normalizePath(second), first);
    }
    if (name !== "cd" && name !== "pushd") return;
    if (this.#current !== null && this.#current.length > LIMITS.pathLength)
      throw new BudgetExceeded(
        `cd leads it to a path of more than ${LIMITS.pathLength} characters`,
      );
    this.#moved = true;
    const target = first ?? (args.length === 0 ? HOME : UNKNOWN);
    if (!isKnown(target)) this.#current = null;
    else if (isAnchored(target)) this.#current = normalizePath(target);
    else if (this.#current !== null)
      this.#current = normalizePath(`${this.#current || "."}/${withoutUnset(target)}`);
  }

  /** Where a relative path leads, when that is outside the job; null elsewhere. */
  resolve(path: string): string | null {
    if (!isKnown(path) || isAnchored(path) || /^([&-]|\d*$)/.test(path)) return null;
    const [head = "", ...rest] = normalizePath(path).split("/");
    const target = this.#links.get(head);
    if (target !== undefined && rest.length > 0) return normalizePath([target, ...rest].join("/"));
    const current = this.#current;
    if (current === null || !(isAnchored(current) || /^\.\.(\/|$)/.test(current))) return null;
    return normalizePath(`${current}/${withoutUnset(path)}`);
  }

  /** A command with such paths resolved; null when there are none. */
  resolveAll(invocation: Invocation): Invocation | null {
    const args = invocation.args.map((arg) => this.resolve(arg) ?? arg);
    const same = args.every((arg, at) => arg === invocation.args[at]);
    return same ? null : { ...invocation, args };
  }
}
