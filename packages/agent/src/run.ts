import { shutDownOnSignal, startDaemon } from "@jobctl/daemon";

import { createAgent } from "./app.js";
import { readConfig } from "./config.js";

/** `jobctl-agent`: runs until it is told to end. */
export function runAgent(): Promise<void> {
  return startDaemon({
    app: "jobctl-agent",
    readConfig,
    async start(config, logger, reports) {
      const agent = await createAgent(config, logger);
      shutDownOnSignal(agent.shutdown, logger, reports, () => agent.kill());
      return agent.start();
    },
  });
}
