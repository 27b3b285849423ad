import assert from "node:assert/strict";
import { it } from "node:test";

import type { PlacedCluster } from "../../support/sandbox-places.js";
import { shows } from "../../support/shows.js";

/** The place is what it says: every other attack would prove nothing in another one. */
export function definePlaceAttacks(place: () => PlacedCluster): void {
  it("jobs run in bubblewrap, with control groups only where they are delegated", async () => {
    const { cluster, wholeJobLimits } = place();
    const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
      items: { sandbox: string; capabilities: string[] }[];
    };
    const [agent] = items;
    assert.equal(items.length, 1);
    assert.equal(agent?.sandbox, "bubblewrap");
    for (const capability of ["files", "network", "dies-with-agent"])
      assert.ok(agent?.capabilities.includes(capability), capability);
    if (wholeJobLimits !== null)
      assert.equal(agent?.capabilities.includes("whole-job-limits"), wholeJobLimits);
    const id = await cluster.submitScript("pwd; id -u\n", "--wait");
    assert.equal(await cluster.ok(["logs", String(id)]), "/job\n1000\n");
  });

  it("a job cannot read a file of the agent's user", async (t) => {
    shows(t, "job-cannot-reach-agent");
    const { cluster, plantCanary } = place();
    const path = await plantCanary("canary");
    const id = await cluster.submitScript(`cat ${path} || echo unseen\n`, "--wait");
    assert.equal(await cluster.ok(["logs", String(id), "--stream", "stdout"]), "unseen\n");
  });
}
