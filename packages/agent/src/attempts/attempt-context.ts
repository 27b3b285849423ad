import { setTimeout as delay } from "node:timers/promises";

import { isResourceError } from "@jobctl/archive";
import type { AttemptSpec } from "@jobctl/protocol";

import { directoryState, type AttemptPaths } from "../workspace/workspace.js";
import type { AttemptSettings } from "./attempt-settings.js";
import type { AttemptState } from "./attempt-state.js";
import { RepeatedProblem } from "./repeated-problem.js";

/** Pause before a write that failed for want of space is repeated. */
const RETRY_WRITE_MS = 2000;

/** What every phase of an attempt works with. */
export class AttemptContext {
  readonly spec: AttemptSpec;
  readonly paths: AttemptPaths;
  readonly settings: AttemptSettings;
  readonly state: AttemptState;
  /** Aborted when nobody waits for the results: the attempt is removed, or the agent stops. */
  readonly abandoned: AbortSignal;
  readonly #problems: RepeatedProblem;

  constructor(
    spec: AttemptSpec,
    paths: AttemptPaths,
    settings: AttemptSettings,
    state: AttemptState,
    abandoned: AbortSignal,
  ) {
    this.spec = spec;
    this.paths = paths;
    this.settings = settings;
    this.state = state;
    this.abandoned = abandoned;
    this.#problems = new RepeatedProblem(settings.logger);
  }

  /** Which attempt it is, for the log. */
  get ids() {
    return { jobId: this.spec.jobId, attempt: this.spec.attempt };
  }

  /** Logs a problem that may be repeated, less and less often. */
  noteProblem(event: string, error: unknown, level: "warn" | "error" = "error"): void {
    this.#problems.note({ event, ...this.ids }, error, level);
  }

  /**
   * What an error in reading or writing the attempt's files means: it passes (`waits`), the files are gone
   * (`lost`), or it is about the files themselves (`failed`).
   */
  async judge(error: unknown): Promise<"waits" | "lost" | "failed"> {
    const { storage, storageDeadMs } = this.settings;
    if (!(await storage.isUsable())) return storage.unusableMs > storageDeadMs ? "lost" : "waits";
    const directory = directoryState(this.paths);
    if (directory === "gone") return "lost";
    return directory === "unknown" || isResourceError(error) ? "waits" : "failed";
  }

  /** Waits before a write is repeated; not at all once the attempt is abandoned. Never rejects. */
  async pauseBeforeRetry(): Promise<void> {
    await delay(RETRY_WRITE_MS, undefined, { signal: this.abandoned }).catch(() => {});
  }
}
