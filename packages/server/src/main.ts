#!/usr/bin/env node
import { createLogger, shutDownOnSignal, startDaemon } from "@jobctl/daemon";

import { createServer } from "./app.js";
import { readConfig } from "./config.js";

const bootLogger = createLogger({ app: "jobctl-server", level: "info" });

await startDaemon(async () => {
  const config = readConfig(process.env);
  const logger = createLogger({ app: "jobctl-server", level: config.logLevel, env: config.env });
  const server = createServer(config, logger);
  shutDownOnSignal(server.shutdown, logger);
  return server.start();
}, bootLogger);
