#!/usr/bin/env node
import { shutDownOnSignal, startDaemon, type ShutdownStep } from "@jobctl/daemon";

import { createServer } from "./app.js";
import { readConfig } from "./config.js";
import { becomeActive } from "./standby.js";

await startDaemon({
  app: "jobctl-server",
  readConfig,
  async start(config, logger, reports) {
    const steps: ShutdownStep[] = [];
    const goDownBy = (shutdown: readonly ShutdownStep[]): void => {
      steps.splice(0, steps.length, ...shutdown);
    };
    shutDownOnSignal(steps, logger, reports);
    const { lock, port } = await becomeActive(config, logger, goDownBy);
    const server = createServer({ ...config, port: port ?? config.port }, logger, lock);
    goDownBy(server.shutdown);
    return server.start();
  },
});
