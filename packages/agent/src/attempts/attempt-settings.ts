import type { ArchiveLimits } from "@jobctl/archive";
import type { Logger } from "@jobctl/daemon";
import type { ScriptChecker } from "@jobctl/validator/checker";

import type { Executor } from "../executors/executor.js";
import type { JobLimits } from "../executors/limits.js";
import type { WorkspaceLimits } from "../workspace/disk-guard.js";
import type { Trash } from "../workspace/trash.js";

/** The folder that holds the directories of the attempts. */
interface AttemptStorage {
  /** Looks whether it can be read and written. */
  isUsable(): Promise<boolean>;
  /** For how long it could not be, in milliseconds. */
  readonly unusableMs: number;
}

export interface AttemptSettings {
  readonly agentName: string;
  readonly executor: Executor;
  readonly checker: ScriptChecker;
  readonly archiveLimits: ArchiveLimits;
  readonly maxLogBytes: number;
  readonly jobLimits: Omit<JobLimits, "memoryBytes" | "cpus">;
  /** For a job that did not say how much memory it needs. */
  readonly maxMemoryBytes: number;
  readonly workspaceLimits: WorkspaceLimits;
  readonly maxResultBytes: number;
  readonly killGraceMs: number;
  /** For how long the output of a job that has ended may be held open by a process that cannot be found. */
  readonly heldOutputMs: number;
  readonly storage: AttemptStorage;
  /** An attempt whose directory cannot be reached for longer is reported as interrupted. */
  readonly storageDeadMs: number;
  /** Receives the directories of finished attempts. */
  readonly trash: Trash;
  /** Tries whether jobs can be run here at all, after one could not be started. */
  readonly canRunJobs: () => Promise<boolean>;
  readonly logger: Logger;
}
