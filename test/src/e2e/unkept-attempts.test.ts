import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { isTerminal } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { MaliciousAgent, type Lie } from "../support/malicious-agent.js";
import { waitUntil } from "../support/wait-until.js";

const SERVICES = ["cut", "withheld", "returned", "dropped"];
const PUT = "PUT /v1/attempts/:id";
const GET_RESULT = "GET /v1/attempts/:id/result";
/** For what takes several attempts with pauses between them. */
const LONG_MS = 120_000;
const INTERRUPTED = { state: "interrupted", outcome: null, usage: null, result: null };

describe("an attempt that its agent takes and does not keep", () => {
  let cluster: Cluster;
  const liars: MaliciousAgent[] = [];
  before(async () => {
    cluster = await Cluster.start({
      agents: 0,
      server: { JOBCTL_SERVICES: ["default", ...SERVICES].join(","), JOBCTL_MAX_REQUEUES: "0" },
    });
  });
  after(async () => {
    await cluster.stop();
    for (const liar of liars) await liar.stop();
  });

  const withLiar = async (service: string, lie: Lie): Promise<MaliciousAgent> => {
    const liar = await MaliciousAgent.start(service, lie, { foreignId: "1.1", foreignName: "x" });
    liars.push(liar);
    await cluster.ok(["agents", "add", liar.url]);
    return liar;
  };
  const untilEnded = async (id: number) => {
    await waitUntil(
      "it has ended",
      async () => isTerminal((await cluster.job(id)).status),
      LONG_MS,
    );
    return cluster.job(id);
  };

  it("is cancelled although its result cannot be fetched", async () => {
    const liar = await withLiar("withheld", {
      result: (response) => void response.writeHead(500).end(),
    });
    const id = await cluster.submitScript("true\n", "--service", "withheld");
    await waitUntil("its result is asked for", () => liar.count(GET_RESULT) >= 1);
    assert.equal((await cluster.job(id)).status, "collecting");
    await cluster.ok(["cancel", String(id)]);
    const { status, outcome } = await untilEnded(id);
    assert.deepEqual([status, outcome?.reason], ["cancelled", "cancelled"]);
    assert.match(outcome?.message ?? "", /did not send its result/);
    assert.ok(liar.count(GET_RESULT) < 30, `${liar.count(GET_RESULT)} requests`);
  });

  it("is lost when its result is cut before the first byte every time", async () => {
    await withLiar("cut", {
      result: (response) => {
        response.writeHead(200, { "content-length": 70_000 });
        response.flushHeaders();
        response.destroy();
      },
    });
    const id = await cluster.submitScript("true\n", "--service", "cut");
    const { status, outcome } = await untilEnded(id);
    assert.deepEqual([status, outcome?.reason], ["lost", "agent_lost"]);
    assert.match(outcome?.message ?? "", /did not arrive in \d+ transfers/);
  });

  it("before it has started waits longer each time, and uses up no try", async () => {
    const liar = await withLiar("returned", {
      report: () => ({ ...INTERRUPTED, startedAt: null }),
    });
    const beganMs = performance.now();
    const id = await cluster.submitScript("true\n", "--service", "returned");
    await waitUntil("it has been sent four times", () => liar.count(PUT) >= 4, LONG_MS);
    // Half of 1.5, 3 and 6 seconds at least.
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs >= 5000, `four requests in ${tookMs} ms`);
    const { status, attempts } = await cluster.job(id);
    assert.ok(!isTerminal(status), status);
    assert.equal(attempts[0]?.endedAs, "refused");
    liar.lie = {};
    assert.equal((await untilEnded(id)).status, "completed");
  });

  it("after it has started leaves its agent alone for longer each time", async () => {
    const liar = await withLiar("dropped", { report: () => INTERRUPTED });
    const beganMs = performance.now();
    for (let n = 1; n <= 5; n += 1) await cluster.submitScript("true\n", "--service", "dropped");
    await waitUntil("all have been sent", () => liar.count(PUT) >= 5, LONG_MS);
    // Half of 1, 2, 4 and 8 seconds at least.
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs >= 7400, `five requests in ${tookMs} ms`);
  });
});
