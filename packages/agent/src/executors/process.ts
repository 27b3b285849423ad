import { once } from "node:events";

import { JobctlError } from "@jobctl/protocol";
import { execa } from "execa";

import type { Execution, Executor, Exit, StartRequest } from "./executor.js";
import { withLimits } from "./limits.js";
import { findProcesses, terminateProcesses } from "./terminate.js";
import { UsageMeter } from "./usage-meter.js";

/**
 * Runs jobs as ordinary processes of the agent's user, each in its own process group. It isolates
 * nothing: for development, and for scripts that one would run oneself.
 */
export async function createProcessExecutor(): Promise<Executor> {
  await probe();
  return {
    name: "process",
    probe,
    capabilities: {
      isolatesFiles: false,
      isolatesNetwork: false,
      diesWithAgent: false,
      limitsWholeJob: false,
    },
    layout: (real) => real,
    start,
    terminateSurvivors: ({ attemptId, directory }) =>
      terminateProcesses({ groupId: null, attemptId, directory }, 0),
  };
}

async function probe(): Promise<void> {
  const { failed } = await execa("bash", ["-c", "exit 0"], { reject: false });
  if (!failed) return;
  throw new JobctlError("sandbox_unavailable", "bash cannot be started", {
    hint: "Install bash and see that it is on the agent's PATH.",
  });
}

async function start(request: StartRequest): Promise<Execution> {
  // Never through the script's first line: what bash is checked for is what bash has to run.
  const script = ["bash", "--norc", "--noprofile", "run.sh"];
  const scope = { memoryIsGrouped: false, hasOwnUser: false };
  const [shell = "", ...args] = withLimits(request.limits, scope, script);
  const child = execa(shell, args, {
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
  const meter = new UsageMeter(pid, null);
  const exited = once(child, "exit").then(([exitCode, signal]): Exit => {
    meter.stop();
    return { exitCode: exitCode as number | null, signal: signal as string | null, begun: true };
  });
  const { attemptId, directory } = request;
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    terminate: (graceMs) => terminateProcesses({ groupId: pid, attemptId, directory }, graceMs),
    kill: () => killGroup(pid),
    processes: () => findProcesses({ groupId: pid, attemptId, directory }),
    usage: () => meter.usage(),
  };
}

function killGroup(groupId: number): void {
  try {
    process.kill(-groupId, "SIGKILL");
  } catch {
    // It has ended.
  }
}
