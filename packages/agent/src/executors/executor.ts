import type { Readable } from "node:stream";

import type { Usage } from "@jobctl/protocol";

import type { JobEnvironment } from "./job-shell.js";
import type { JobLimits } from "./limits.js";

/** What keeps a job apart from everything else. */
export interface ExecutorCapabilities {
  /** The job cannot see or touch anything but its workspace. */
  readonly isolatesFiles: boolean;
  /** The job has no network. */
  readonly isolatesNetwork: boolean;
  /** No process of the job survives the agent. */
  readonly diesWithAgent: boolean;
  /** Memory and processes are limited for the job as a whole, not for each of its processes. */
  readonly limitsWholeJob: boolean;
  /** The job can make only the system calls that ordinary programs need. */
  readonly filtersSystemCalls: boolean;
}

/** What a job has used, and whether the kernel had to end some of it for want of memory. */
export interface JobUsage extends Usage {
  readonly outOfMemoryKills: number;
}

/** Where a job sees its directories; not where they are, if it has a view of its own. */
export interface JobLayout {
  readonly workspace: string;
  readonly temporary: string;
}

export interface StartRequest {
  readonly agentName: string;
  readonly attemptId: string;
  /** Holds everything of this attempt; its path marks the attempt's processes. */
  readonly directory: string;
  /** Where run.sh lies, and where it runs. */
  readonly workspace: string;
  readonly environment: JobEnvironment;
  readonly limits: JobLimits;
  readonly network: boolean;
}

/** How the main process ended; one of the two is null. */
export interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** False when nothing of the job has run: its surroundings could not be made, or were killed before. */
  readonly begun: boolean;
}

/** A job that has been started. */
export interface Execution {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the main process ends; other processes of the job may still be alive. */
  readonly exited: Promise<Exit>;
  /**
   * TERM to every process of the job, KILL to what is left after the grace time, until nothing is. Never
   * rejects.
   *
   * @param onTrouble called with what keeps it from ending, for the log
   * @returns when no process of the job is alive
   */
  terminate(graceMs: number, onTrouble: (problem: Error) => void): Promise<void>;
  /** KILL to what can be reached without waiting: the agent itself is being killed. */
  kill(): void;
  /** Ids of its processes, as this machine numbers them. */
  processes(): Promise<number[]>;
  /** What it has used so far; the wall time stops with the main process. */
  usage(): Promise<JobUsage>;
}

/**
 * A way of running jobs. One conformance suite runs on all of them. Each is made by a function that
 * first tries whether it works on this machine, and throws `sandbox_unavailable` with a hint if not.
 */
export interface Executor {
  readonly name: string;
  readonly capabilities: ExecutorCapabilities;
  /** @param real where the directories are */
  layout(real: JobLayout): JobLayout;
  /** @throws JobctlError `sandbox_unavailable` when jobs cannot be run here now */
  probe(): Promise<void>;
  /** @throws when the process cannot be created */
  start(request: StartRequest): Promise<Execution>;
  /** Ends what an agent that was killed has left running of an attempt. */
  terminateSurvivors(attempt: Pick<StartRequest, "attemptId" | "directory">): Promise<void>;
}
