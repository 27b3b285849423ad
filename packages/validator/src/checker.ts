import { CheckThread, type CheckThreadOptions } from "./check-thread.js";
import type { Report } from "./diagnostic.js";
import type { Policy } from "./policy.js";
import { rule as budgetRule } from "./rules/input/budget.js";
import type { ReadFile } from "./validate.js";

// What whoever asks needs beside it, without the code that checks.
export { formatReport } from "./format-text.js";
export { LIMITS } from "./limits.js";
export { SCRIPT_START_BYTES, isShellScriptFile } from "./shell-script-file.js";
export { DEFAULT_POLICY, PROFILES, blocks, type Policy } from "./policy.js";
export type { Report } from "./diagnostic.js";

export interface CheckerOptions extends Partial<CheckThreadOptions> {
  /** Threads, each for one check at a time; all are started at once. */
  readonly threads?: number;
  /** Checks that may wait for a thread. */
  readonly maxWaiting?: number;
}

/** What is to be checked. */
export interface ScriptJob {
  /** Path of the first script. */
  readonly script: string;
  /** Called in the thread of the caller, for one file after the other; it must not throw. */
  readonly read: ReadFile;
  readonly policy: Policy;
  /** Ends waiting, and the check. */
  readonly signal?: AbortSignal;
}

/** How long a check may take in all, in milliseconds: many times what its limits allow for on a slow machine. */
const TIMEOUT_MS = 20_000;
/** Memory of a thread beside that of its code, in megabytes. */
const MEMORY_MB = 192;

/**
 * Checks scripts in threads of their own, which are ended when a check takes too long or too much memory: whoever
 * asks goes on with other work meanwhile, and no script takes it down.
 */
export class ScriptChecker {
  readonly #options: CheckThreadOptions;
  readonly #threads: number;
  readonly #maxWaiting: number;
  readonly #idle: CheckThread[] = [];
  readonly #busy = new Set<CheckThread>();
  readonly #waiting: ((thread: CheckThread) => void)[] = [];
  #isClosed = false;

  constructor(options: CheckerOptions = {}) {
    const { threads = 1, maxWaiting = 1000, ...rest } = options;
    this.#options = {
      timeoutMs: TIMEOUT_MS,
      memoryMb: MEMORY_MB,
      isWarmedUp: false,
      siteRules: [],
      ...rest,
    };
    this.#threads = threads;
    this.#maxWaiting = maxWaiting;
    for (let n = 0; n < threads; n += 1) this.#idle.push(new CheckThread(this.#options));
  }

  /** Resolves when the threads can take a check at once; rejects when one cannot be started. */
  async ready(): Promise<void> {
    await Promise.all(this.#idle.map((thread) => thread.ready));
  }

  /**
   * Checks a script and the shell scripts of the same job that it runs.
   *
   * @returns a report for each, the first script's first; none when there is no such script. When the check had to be
   * ended, one that rejects it as `BUDGET`
   * @throws Error when no thread can be started, or too many checks wait; the reason of the signal when it is aborted
   */
  async check(job: ScriptJob): Promise<Report[]> {
    job.signal?.throwIfAborted();
    const thread = this.#takeThread() ?? (await this.#nextThread(job.signal));
    try {
      const result = await thread.check(job);
      return "reports" in result ? result.reports : [failure(job, result.problem)];
    } finally {
      this.#busy.delete(thread);
      if (!this.#isClosed) this.#handOut(thread.isAlive ? thread : new CheckThread(this.#options));
    }
  }

  /** Ends all threads; checks that are under way are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#idle, ...this.#busy].map((thread) => thread.end()));
  }

  #handOut(thread: CheckThread): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(thread);
    else {
      this.#busy.add(thread);
      next(thread);
    }
  }

  /** A thread that is free, or can be started. */
  #takeThread(): CheckThread | null {
    if (this.#isClosed) throw new Error("the checker of scripts is closed");
    const idle = this.#idle.pop();
    if (idle === undefined && this.#busy.size >= this.#threads) return null;
    const thread = idle?.isAlive === true ? idle : new CheckThread(this.#options);
    this.#busy.add(thread);
    return thread;
  }

  async #nextThread(signal: AbortSignal | undefined): Promise<CheckThread> {
    if (this.#waiting.length >= this.#maxWaiting)
      throw new Error(`more than ${this.#maxWaiting} checks of scripts are waiting`);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(signal?.reason as Error);
      };
      const take = (thread: CheckThread): void => {
        signal?.removeEventListener("abort", stop);
        resolve(thread);
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.#waiting.push(take);
    });
  }
}

/** A check that had to be ended is a rejection, whatever the policy says of its rule. */
function failure({ script, policy }: ScriptJob, problem: string): Report {
  const { id, severity, family, fix } = budgetRule;
  return {
    schema: 1,
    file: script,
    verdict: "reject",
    profile: policy.profile,
    counts: { error: 1, warning: 0, info: 0 },
    diagnostics: [
      {
        rule: id,
        severity,
        category: family,
        message: problem,
        fix,
        line: 1,
        column: 1,
        endLine: 1,
        endColumn: 1,
        offset: 0,
        resolved: "",
        source: "",
        trace: [],
        doc: `docs/validation.md#${id.toLowerCase()}`,
      },
    ],
  };
}
