import { once } from "node:events";
import type { Duplex } from "node:stream";

import { JobctlError } from "@jobctl/protocol";
import { execa } from "execa";

import { cleanStart } from "./clean-start.js";
import type { Execution, Executor, Exit, StartRequest } from "./executor.js";
import { huntProcesses } from "./hunt-processes.js";
import { JobPipe } from "./job-pipe.js";
import { ProcessGroup, findProcesses } from "./job-processes.js";
import { jobShell } from "./job-shell.js";
import { killSurvivors } from "./kill-survivors.js";
import { identifyProcess } from "./process-table.js";
import { terminate } from "./terminate.js";
import { UsageMeter } from "./usage-meter.js";

/** Descriptor from which a job reads its variables. */
const VARIABLES = 3;

/** How the shells that prepare a job end when they can neither do that nor become the next program. */
const SHELL_FAILURES: ReadonlySet<number> = new Set([125, 126, 127]);

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
      filtersSystemCalls: false,
    },
    layout: (real) => real,
    start,
    terminateSurvivors: killSurvivors,
  };
}

async function probe(): Promise<void> {
  const [shell = "", ...args] = cleanStart(2, [], ["bash", "-c", ":"]);
  const { failed } = await execa(shell, args, { reject: false, stdin: "ignore" });
  if (!failed) return;
  throw new JobctlError("sandbox_unavailable", "bash cannot be started", {
    hint: "Install bash and see that it is on the agent's PATH.",
  });
}

async function start(request: StartRequest): Promise<Execution> {
  const scope = { memoryIsGrouped: false, hasOwnUser: false };
  const job = jobShell(request.limits, scope, VARIABLES);
  const [shell = "", ...args] = cleanStart(VARIABLES, [], job);
  const child = execa(shell, args, {
    cwd: request.workspace,
    env: request.environment.own,
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const pid = child.pid;
  if (pid === undefined) throw (await child).cause;
  const meter = new UsageMeter(pid, null);
  const { attemptId, directory } = request;
  const jobs = { group: new ProcessGroup(identifyProcess(pid)), attemptId, directory };
  const pipe = new JobPipe(child.stdio[VARIABLES] as unknown as Duplex);
  pipe.release(request.environment.given);
  const exited = once(child, "exit").then(async ([code, killedBy]): Promise<Exit> => {
    meter.stop();
    const [exitCode, signal] = [code as number | null, killedBy as string | null];
    const mayHaveBegun = exitCode !== null && !SHELL_FAILURES.has(exitCode);
    return { exitCode, signal, begun: mayHaveBegun || (await pipe.hasBegun()) };
  });
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    terminate: (graceMs, onTrouble) => {
      const find = async () => {
        const alive = await findProcesses(jobs);
        return { alive, told: alive };
      };
      const hunt = (stop: boolean) => {
        if (stop) jobs.group.kill();
        return huntProcesses(jobs, stop);
      };
      return terminate({ find, hunt, graceMs, onTrouble });
    },
    kill: () => {
      if (child.exitCode === null && child.signalCode === null) killGroup(pid);
    },
    processes: async () => (await findProcesses(jobs)).map((found) => found.pid),
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
