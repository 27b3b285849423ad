import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { assertNoLeftovers, stopWithoutLeftovers } from "../support/leftovers.js";
import { hasBubblewrap, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

/** More than the agent has slots. */
const ROUNDS = 3;

describe("the slots of an agent", () => {
  let cluster: Cluster;
  afterEach(() => stopWithoutLeftovers(cluster));

  it("are free again after drains that take running attempts away", async (t) => {
    cluster = await Cluster.start({ agent: { JOBCTL_AGENT_SLOTS: "2" } });
    const go = join(cluster.root, "go");
    const id = await cluster.submitScript(`until [ -e ${go} ]; do sleep 0.05; done\n`);
    for (let round = 1; round <= ROUNDS; round += 1) {
      await waitUntil("it runs", async () => {
        const { status, attempt } = await cluster.job(id);
        return status === "running" && attempt === round;
      });
      await cluster.ok(["agents", "drain", "agent-1", "--deadline", "0s"]);
      await assertNoLeftovers(cluster);
      await cluster.ok(["agents", "resume", "agent-1"]);
    }
    await writeFile(go, "");
    await cluster.ok(["wait", String(id)]);
    assert.equal((await cluster.job(id)).attempt, ROUNDS + 1);
    shows(t, "nothing-outlives-a-job", {
      what: "drains that take a running attempt away",
      times: ROUNDS,
    });
  });

  it(
    "are free again after jobs that could not be started",
    { skip: unless("bubblewrap", hasBubblewrap) },
    async (t) => {
      cluster = await Cluster.start();
      const programs = join(cluster.root, "programs");
      // Fails for jobs only, so that the agent goes on taking them, and once for each round.
      const fail = join(cluster.root, "fail");
      await cluster.makeProgram(
        join(programs, "bwrap"),
        `if [ -n "$JOBCTL_ATTEMPT" ] && rm ${fail} 2> /dev/null; then echo no namespace >&2; exit 1; fi\nexec /usr/bin/bwrap "$@"\n`,
      );
      await cluster.agents[0]?.end("SIGTERM");
      await cluster.startAgent(1, {
        JOBCTL_AGENT_SANDBOX: "bubblewrap",
        JOBCTL_AGENT_SLOTS: "1",
        PATH: `${programs}:${process.env["PATH"]}`,
      });
      for (let round = 1; round <= ROUNDS; round += 1) {
        await writeFile(fail, "");
        const id = await cluster.submitScript("true\n");
        await cluster.ok(["wait", String(id)]);
        const { attempts } = await cluster.job(id);
        assert.deepEqual(
          attempts.map(({ endedAs }) => endedAs),
          ["refused", "collected"],
        );
        const events = await cluster.ok(["events", String(id)]);
        assert.match(events, /agent_refused\s.*exit code 1 before the job had begun: no namespace/);
      }
      shows(t, "nothing-outlives-a-job", { what: "jobs that could not be started", times: ROUNDS });
    },
  );
});
