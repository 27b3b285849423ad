#!/usr/bin/env node
import { createLogger, shutDownOnSignal, startDaemon } from "@jobctl/daemon";

import { createAgent } from "./app.js";
import { readConfig } from "./config.js";

const bootLogger = createLogger({ app: "jobctl-agent", level: "info" });

await startDaemon(async () => {
  const config = readConfig(process.env);
  const logger = createLogger({ app: "jobctl-agent", level: config.logLevel, env: config.env });
  const agent = await createAgent(config, logger);
  shutDownOnSignal(agent.shutdown, logger, () => agent.kill());
  return agent.start();
}, bootLogger);
