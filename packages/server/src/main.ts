#!/usr/bin/env node
import { createLogger, shutDownOnSignal, startDaemon, type ShutdownStep } from "@jobctl/daemon";

import { createServer } from "./app.js";
import { readConfig } from "./config.js";
import { becomeActive } from "./standby.js";

const bootLogger = createLogger({ app: "jobctl-server", level: "info" });

await startDaemon(async () => {
  const config = readConfig(process.env);
  const logger = createLogger({ app: "jobctl-server", level: config.logLevel, env: config.env });
  const steps: ShutdownStep[] = [];
  const goDownBy = (shutdown: readonly ShutdownStep[]): void => {
    steps.splice(0, steps.length, ...shutdown);
  };
  shutDownOnSignal(steps, logger);
  const { lock, port } = await becomeActive(config, logger, goDownBy);
  const server = createServer({ ...config, port: port ?? config.port }, logger, lock);
  goDownBy(server.shutdown);
  return server.start();
}, bootLogger);
