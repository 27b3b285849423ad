import { Worker } from "node:worker_threads";

import type { Report } from "./diagnostic.js";
import type { Policy } from "./policy.js";
import type { ScriptJob } from "./checker.js";
import type { SiteRule } from "./site-rules.js";

export interface CheckThreadOptions {
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Whether the thread tries a script as soon as it starts, so that the first check is quick. */
  readonly isWarmedUp: boolean;
  /** Rules beside those that jobctl comes with. */
  readonly siteRules: readonly SiteRule[];
}

/** What a thread is started with. */
export type ThreadData = Pick<CheckThreadOptions, "isWarmedUp" | "siteRules">;

/** What a thread is asked: to check a job, and then the content of each file that it wants. */
export type Question =
  | { readonly script: string; readonly policy: Policy }
  | { readonly content: Uint8Array | null };

/** What a thread says. */
export type Answer =
  | { readonly kind: "ready" }
  | { readonly kind: "wants"; readonly path: string }
  | { readonly kind: "reports"; readonly reports: Report[] };

type Result = { readonly reports: Report[] } | { readonly problem: string };

/** A thread that checks one job after the other, and can be ended whatever it does. */
export class CheckThread {
  readonly #worker: Worker;
  readonly #options: CheckThreadOptions;
  /** Resolves when it can take a check at once. */
  readonly ready: Promise<void>;
  #isAlive = true;
  #onAnswer: (answer: Answer) => void = () => undefined;
  #onEnd: (error: Error) => void = () => undefined;

  constructor(options: CheckThreadOptions) {
    this.#options = options;
    const { isWarmedUp, siteRules } = options;
    const workerData: ThreadData = { isWarmedUp, siteRules };
    this.#worker = new Worker(new URL("check-worker.js", import.meta.url), {
      workerData,
      // Nothing of the settings, or secrets, of whoever asks.
      env: {},
      execArgv: [],
      argv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: options.memoryMb,
        maxYoungGenerationSizeMb: 32,
        stackSizeMb: 4,
      },
    });
    // It does not keep a program running that has nothing else to do.
    this.#worker.unref();
    this.ready = new Promise((resolve, reject) => {
      this.#onAnswer = () => resolve();
      this.#onEnd = reject;
    });
    // Whoever waits for a check is told as well.
    this.ready.catch(() => undefined);
    this.#worker.on("message", (answer: Answer) => this.#onAnswer(answer));
    this.#worker.on("error", (error: Error) => this.#ended(error));
    this.#worker.on("exit", () => this.#ended(new Error("the thread has ended")));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** @throws Error when the thread cannot be started; the reason of the signal when it is aborted */
  async check({ script, policy, read, signal }: ScriptJob): Promise<Result> {
    await this.ready;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      };
      const giveUp = (say: () => void): void => {
        finish();
        this.#onEnd = () => undefined;
        void this.end().then(say);
      };
      const abort = (): void => giveUp(() => reject(signal?.reason as Error));
      const seconds = Math.ceil(this.#options.timeoutMs / 1000);
      const late = (): void =>
        giveUp(() => resolve({ problem: `its check took longer than ${seconds} seconds` }));
      // An answer that is there already, while this thread was busy, counts.
      const timer = setTimeout(() => setImmediate(() => isDone || late()), this.#options.timeoutMs);
      let isDone = false;
      signal?.addEventListener("abort", abort, { once: true });
      this.#onEnd = (error) => {
        finish();
        isDone = true;
        resolve({ problem: explain(error, this.#options.memoryMb) });
      };
      this.#onAnswer = (answer) => {
        if (answer.kind === "wants") this.#say({ content: read(answer.path) });
        if (answer.kind !== "reports") return;
        finish();
        isDone = true;
        resolve({ reports: answer.reports });
      };
      this.#say({ script, policy });
    });
  }

  /** Ends the thread at once, whatever it does. */
  async end(): Promise<void> {
    this.#isAlive = false;
    await this.#worker.terminate();
  }

  #say(question: Question): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(question);
  }

  #ended(error: Error): void {
    this.#isAlive = false;
    this.#onEnd(error);
  }
}

function explain(error: Error & { code?: string }, memoryMb: number): string {
  return error.code === "ERR_WORKER_OUT_OF_MEMORY"
    ? `its check took more than ${memoryMb} megabytes of memory`
    : `it cannot be checked: ${error.message}`;
}
