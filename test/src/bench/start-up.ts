/** What each call of the command line costs beside starting Node. `npm run bench:start-up` */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Cluster } from "../support/cluster.js";
import { summarize } from "../support/figures.js";

const RUNS = 20;
const CLI = fileURLToPath(import.meta.resolve("@jobctl/cli/main"));

const cluster = await Cluster.start();
try {
  for (const [what, args] of [
    ["node -e 0", ["-e", "0"]],
    ["jobctl --help", [CLI, "--help"]],
    ["jobctl status --json", [CLI, "status", "--json"]],
  ] as const) {
    const times = Array.from({ length: RUNS }, () => {
      const began = performance.now();
      const { status } = spawnSync(process.execPath, args, { env: cluster.environment });
      if (status !== 0) throw new Error(`${what} ended with ${status}`);
      return performance.now() - began;
    });
    process.stdout.write(`${what.padEnd(22)} ${summarize(times, "ms")}\n`);
  }
} finally {
  await cluster.stop();
}
