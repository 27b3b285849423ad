import type { AgentConfig } from "./config.js";
import { createBubblewrapExecutor } from "./executors/bubblewrap.js";
import type { Executor } from "./executors/executor.js";
import { createProcessExecutor } from "./executors/process.js";

/**
 * The executor that the configuration names.
 *
 * @throws JobctlError `sandbox_unavailable` when it does not work on this machine
 */
export async function selectExecutor(config: AgentConfig): Promise<Executor> {
  switch (config.sandbox) {
    case "bubblewrap":
      return createBubblewrapExecutor({
        agentName: config.name,
        readOnlyPaths: config.sandboxReadOnlyPaths,
      });
    case "process":
      return createProcessExecutor();
  }
}
