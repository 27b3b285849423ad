import { once } from "node:events";

import { JobctlError } from "@jobctl/protocol";
import { execa } from "execa";

import type { Execution, Executor, Exit, StartRequest } from "./executor.js";
import { terminateProcesses } from "./terminate.js";
import { UsageSampler } from "./usage-sampler.js";

/**
 * Runs jobs as ordinary processes of the agent's user, each in its own process group. It isolates
 * nothing: for development, and for scripts that one would run oneself.
 */
export const processExecutor: Executor = {
  name: "process",
  capabilities: { isolatesFiles: false, isolatesNetwork: false, diesWithAgent: false },

  async probe() {
    const { failed } = await execa("bash", ["-c", "exit 0"], { reject: false });
    if (!failed) return;
    throw new JobctlError("config_invalid", "bash cannot be started", {
      hint: "Install bash and see that it is on the agent's PATH.",
    });
  },

  async start(request) {
    // Never through the script's first line: what bash is checked for is what bash has to run.
    const child = execa("bash", ["--norc", "--noprofile", "run.sh"], {
      cwd: request.workspace,
      env: request.environment,
      extendEnv: false,
      detached: true,
      cleanup: false,
      buffer: false,
      reject: false,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const pid = child.pid;
    if (pid === undefined) throw (await child).cause;
    const exited = once(child, "exit").then(([exitCode, signal]): Exit => {
      sampler.stop();
      return { exitCode: exitCode as number | null, signal: signal as string | null };
    });
    const sampler = new UsageSampler(pid);
    const scope = scopeOf(request, pid);
    return {
      stdout: child.stdout,
      stderr: child.stderr,
      exited,
      terminate: (graceMs) => terminateProcesses(scope, graceMs),
      kill: () => killGroup(pid),
      usage: () => sampler.usage(),
    } satisfies Execution;
  },

  async terminateSurvivors(directory, attemptId) {
    await terminateProcesses({ groupId: null, attemptId, directory }, 0);
  },
};

function killGroup(groupId: number): void {
  try {
    process.kill(-groupId, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function scopeOf(request: StartRequest, groupId: number) {
  return { groupId, attemptId: request.attemptId, directory: request.directory };
}
