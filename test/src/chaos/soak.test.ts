import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { formatReport } from "../soak/report.js";
import { soak } from "../soak/soak.js";
import { shows } from "../support/shows.js";

const DEFAULT_SECONDS = 60;
/** Half of what a busy machine comes to in that time. */
const LEAST_DISTURBANCES = 15;
const SECONDS = Number(process.env["JOBCTL_SOAK_SECONDS"] ?? DEFAULT_SECONDS);
/** The same in each run; `npm run soak` chooses another one each time. */
const SEED = Number(process.env["JOBCTL_SOAK_SEED"] ?? 1);
/** For the checks once nothing is disturbed any more. */
const SETTLE_SECONDS = 420;

describe("a soak with daemons that are disturbed in every way", () => {
  it(
    `for ${SECONDS} s (JOBCTL_SOAK_SECONDS, seed ${SEED}: JOBCTL_SOAK_SEED)`,
    { timeout: (SECONDS + SETTLE_SECONDS) * 1000 },
    async (t) => {
      process.stdout.write(`soak: ${SECONDS} s, JOBCTL_SOAK_SEED=${SEED}\n`);
      const report = await soak({ seconds: SECONDS, seed: SEED });
      process.stdout.write(formatReport(report));
      assert.deepEqual(report.violations, []);
      if (process.env["JOBCTL_TEST_REQUIRE"] === "all") assert.deepEqual(report.leftOut, []);
      const done = [...report.counts.keys()];
      assert.ok(
        ["server: ", "agent-1: ", "agent-2: "].every((target) =>
          done.some((what) => what.startsWith(target)),
        ),
        "each daemon was disturbed",
      );
      assert.ok((report.counts.get("contents compared") ?? 0) > 0);
      // A shorter one shows too little.
      if (SECONDS < DEFAULT_SECONDS) return;
      const times = done
        .filter((what) => /^(server|agent-\d+): (?!MiB)/.test(what))
        .reduce((sum, what) => sum + (report.counts.get(what) ?? 0), 0);
      const tried = {
        ...{ what: "disturbances of every kind while jobs run", times },
        atLeast: LEAST_DISTURBANCES,
      };
      shows(t, "accepted-is-durable", tried);
      shows(t, "one-start-per-attempt", tried);
      shows(t, "one-outcome-per-job", tried);
    },
  );
});
