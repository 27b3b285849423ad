import type { Readable } from "node:stream";

import type { Usage } from "@jobctl/protocol";

/** What keeps a job apart from everything else. */
interface ExecutorCapabilities {
  /** The job cannot see or touch anything but its workspace. */
  readonly isolatesFiles: boolean;
  /** The job has no network. */
  readonly isolatesNetwork: boolean;
  /** No process of the job survives the agent. */
  readonly diesWithAgent: boolean;
}

export interface StartRequest {
  readonly attemptId: string;
  /** Holds everything of this attempt; its path marks the attempt's processes. */
  readonly directory: string;
  /** Where run.sh lies, and where it runs. */
  readonly workspace: string;
  /** The whole environment of the job. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How the main process ended; one of the two is null. */
export interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A job that has been started. */
export interface Execution {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the main process ends; other processes of the job may still be alive. */
  readonly exited: Promise<Exit>;
  /**
   * TERM to every process of the job, KILL to what is left after the grace time.
   *
   * @returns when no process of the job is alive
   */
  terminate(graceMs: number): Promise<void>;
  /** KILL to what can be reached without waiting: the agent itself is being killed. */
  kill(): void;
  /** What it has used so far; the wall time stops with the main process. */
  usage(): Usage;
}

/** A way of running jobs. One conformance suite runs on all of them. */
export interface Executor {
  readonly name: string;
  readonly capabilities: ExecutorCapabilities;
  /** @throws JobctlError `config_invalid` with a hint when it cannot work on this machine */
  probe(): Promise<void>;
  /** @throws when the process cannot be created */
  start(request: StartRequest): Promise<Execution>;
  /** Ends what an agent that was killed has left running in this directory. */
  terminateSurvivors(directory: string, attemptId: string): Promise<void>;
}
