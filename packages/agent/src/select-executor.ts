import type { AgentConfig } from "./config.js";
import type { Executor } from "./executors/executor.js";
import { processExecutor } from "./executors/process.js";

/** The executor that the configuration names. */
export function selectExecutor(sandbox: AgentConfig["sandbox"]): Executor {
  switch (sandbox) {
    case "process":
      return processExecutor;
  }
}
