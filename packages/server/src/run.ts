import { shutDownOnSignal, startDaemon, wallClock, type ShutdownStep } from "@jobctl/daemon";
import { toJobctlError } from "@jobctl/protocol";

import { createServer } from "./app.js";
import { readConfig } from "./config.js";
import { becomeActive } from "./standby.js";
import { requireBelonging, setAsideForNew } from "./store/data-folder.js";
import { raiseEpochOf } from "./store/lease-store.js";

// SQLite creates its files with whatever the umask leaves. What the server writes is for its user alone.
process.umask(0o077);

export interface RunOptions {
  /** Sets aside a database and files that do not belong together, instead of refusing them. */
  readonly beginsAnew: boolean;
  /** Makes this server newer than every other one of its installation, so that agents leave those. */
  readonly takesOver: boolean;
}

/** `jobctl-server`: runs until it is told to end. */
export function runServer({ beginsAnew, takesOver }: RunOptions): Promise<void> {
  return startDaemon({
    app: "jobctl-server",
    readConfig,
    async start(config, logger, reports) {
      const steps: ShutdownStep[] = [];
      const goDownBy = (shutdown: readonly ShutdownStep[]): void => {
        steps.splice(0, steps.length, ...shutdown);
      };
      shutDownOnSignal(steps, logger, reports);
      const { lock, port } = await becomeActive(config, logger, goDownBy);
      if (beginsAnew) {
        const aside = setAsideForNew(config, wallClock());
        if (aside !== null) logger.warn({ event: "data_set_aside", aside });
      }
      if (takesOver) {
        requireBelonging(config);
        raiseEpochOf(config.dbPath, wallClock());
      }
      const server = createServer({ ...config, port: port ?? config.port }, logger, lock);
      goDownBy(server.shutdown);
      return server.start();
    },
  });
}

/** `jobctl-server check`: a line for each thing that a start needs; exit code 1 when one is missing. */
export async function runChecks(): Promise<void> {
  const { preflight } = await import("./preflight.js");
  try {
    for await (const { ok, check: name, message } of preflight(readConfig(process.env))) {
      process.stdout.write(`${ok ? "ok  " : "FAIL"}  ${name}: ${message}\n`);
      if (!ok) process.exitCode = 1;
    }
  } catch (thrown) {
    const { message, hint, exitCode } = toJobctlError(thrown);
    process.stderr.write(`jobctl-server: ${message}\n${hint === null ? "" : `  ${hint}\n`}`);
    process.exitCode = exitCode;
  }
}
