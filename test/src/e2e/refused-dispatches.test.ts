import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, it } from "node:test";

import type { Agent, Job, JobEvent } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { MaliciousAgent, refusal, type Lie } from "../support/malicious-agent.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const SERVICES = [
  "no-room",
  "storage-full",
  "half",
  "hanging",
  "deaf",
  "limit",
  "behind",
  "broken",
];
const PUT = "PUT /v1/attempts/:id";

describe("a job that an agent does not take", () => {
  let cluster: Cluster;
  const liars: MaliciousAgent[] = [];
  before(async () => {
    cluster = await Cluster.start({
      agents: 0,
      server: {
        JOBCTL_SERVICES: ["default", ...SERVICES].join(","),
        JOBCTL_AGENT_POLL_SECONDS: "1",
        JOBCTL_AGENT_DEAD_SECONDS: "4",
        JOBCTL_MAX_REQUEUES: "0",
        JOBCTL_MAX_REFUSED_SECONDS: "60",
      },
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
  const answering =
    (method: string, answer: (response: ServerResponse) => void): NonNullable<Lie["answer"]> =>
    (request, response) => {
      if (request.method !== method || !(request.url ?? "").startsWith("/v1/attempts/"))
        return false;
      request.resume();
      answer(response);
      return true;
    };
  const refuseWith = (status: number, code: string) => (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(refusal(code, "it says no")));
  };
  const eventsOf = async (id: number): Promise<JobEvent[]> =>
    (JSON.parse(await cluster.ok(["events", String(id), "--json"])) as { items: JobEvent[] }).items;
  const untilEnded = async (id: number): Promise<Job> => {
    await waitUntil("it has ended", async () => (await cluster.job(id)).outcome !== null, 60_000);
    return cluster.job(id);
  };

  it("because it has no room waits longer each time, and leaves a short history", async () => {
    const liar = await withLiar("no-room", {
      answer: answering("PUT", refuseWith(409, "no_room")),
    });
    const beganMs = performance.now();
    const id = await cluster.submitScript("true\n", "--service", "no-room");
    await waitUntil("it has been asked five times", () => liar.count(PUT) >= 5, 60_000);
    const tookMs = performance.now() - beganMs;
    const { attempt, attempts } = await cluster.job(id);
    const types = (await eventsOf(id)).map(({ type, repeats }) => [type, repeats >= 4]);
    // Half of 1, 2, 4 and 8 seconds at least.
    assert.ok(tookMs >= 7400, `five requests in ${tookMs} ms`);
    assert.ok(attempt <= 1 && attempts.length <= 1, `attempt ${attempt} of ${attempts.length}`);
    assert.deepEqual(types.slice(0, 2), [
      ["submitted", false],
      ["agent_refused", true],
    ]);
    assert.ok(types.length <= 3, `${types.length} events`);
    assert.match(await cluster.ok(["events", String(id)]), /it says no \([4-9] times\)/);
    liar.lie = {};
    const { attempt: last, outcome } = await untilEnded(id);
    assert.match(outcome?.message ?? "", /^forged/);
    assert.equal(last, 1);
  });

  it("for longer than the limit ends, and says why", async () => {
    const refuse = refuseWith(507, "storage_full");
    await withLiar("limit", { answer: answering("PUT", refuse) });
    await cluster.server.end("SIGTERM");
    await cluster.startServer({ JOBCTL_MAX_REFUSED_SECONDS: "5" });
    const id = await cluster.submitScript("true\n", "--service", "limit");
    const { status, outcome } = await untilEnded(id);
    assert.deepEqual([status, outcome?.reason], ["failed", "never_started"]);
    assert.match(outcome?.message ?? "", /could not be started for 5 s.*it says no/);
    await cluster.server.end("SIGTERM");
    await cluster.startServer();
  });

  it("and answers rubbish to is cancelled all the same", async () => {
    const rubbish = (response: ServerResponse): void => void response.writeHead(201).end("rubbish");
    const liar = await withLiar("half", { answer: answering("PUT", rubbish) });
    const id = await cluster.submitScript("true\n", "--service", "half");
    await waitUntil("it has been sent", () => liar.count(PUT) >= 1);
    await cluster.ok(["cancel", String(id)]);
    const { status } = await untilEnded(id);
    assert.equal(status, "cancelled");
  });

  it("and never answers about is cancelled all the same", async () => {
    const liar = await withLiar("hanging", { answer: answering("PUT", () => {}) });
    const id = await cluster.submitScript("true\n", "--service", "hanging");
    await waitUntil("it has been sent", () => liar.count(PUT) >= 1);
    await cluster.ok(["cancel", String(id)]);
    const { status } = await untilEnded(id);
    assert.equal(status, "cancelled");
  });

  it("nor says anything of that can be understood is taken from it", async () => {
    await withLiar("deaf", {
      answer: (request, response) => {
        if (!(request.url ?? "").startsWith("/v1/attempts/")) return false;
        request.resume();
        response.writeHead(200).end("rubbish");
        return true;
      },
    });
    const id = await cluster.submitScript("true\n", "--service", "deaf");
    const { status, outcome } = await untilEnded(id);
    assert.deepEqual([status, outcome?.reason], ["lost", "agent_lost"]);
    assert.match(outcome?.message ?? "", /has not said whether it holds/);
  });

  it("nor can be asked about, as the agent says that it can store nothing, is taken from it", async () => {
    const refuse = refuseWith(507, "storage_full");
    await withLiar("storage-full", {
      answer: (request, response) => {
        if (!(request.url ?? "").startsWith("/v1/attempts/")) return false;
        request.resume();
        if (request.method === "PUT") response.writeHead(200).end("rubbish");
        else refuse(response);
        return true;
      },
    });
    const id = await cluster.submitScript("true\n", "--service", "storage-full");
    const { status, outcome } = await untilEnded(id);
    assert.deepEqual([status, outcome?.reason], ["lost", "agent_lost"]);
    assert.match(outcome?.message ?? "", /has not said whether it holds/);
  });

  it("but takes and cannot start is queued again, and neither failed nor lost", async (t) => {
    shows(t, "machine-trouble-fails-no-job", { what: "agents that cannot start a job", times: 1 });
    const broken = {
      reason: "executor_error",
      exitCode: null,
      signal: null,
      message: "no sandbox",
    };
    const liar = await withLiar("broken", {
      report: () => ({ outcome: broken, usage: null, result: null }),
    });
    const id = await cluster.submitScript("true\n", "--service", "broken");
    await waitUntil("it has been sent twice", () => liar.count(PUT) >= 2, 60_000);
    assert.equal((await cluster.job(id)).outcome, null);
    const refusals = (await eventsOf(id)).filter(({ type }) => type === "agent_refused");
    assert.equal(refusals[0]?.message, "no sandbox");
    liar.lie = {};
    const { outcome } = await untilEnded(id);
    assert.match(outcome?.message ?? "", /^forged/);
  });

  it("waits while the results of an agent cannot be stored, so that they do not fill its disk", async () => {
    const most = 100;
    const liar = await withLiar("behind", {
      answer: (request, response) => {
        if (!(request.url ?? "").endsWith("/result")) return false;
        response.writeHead(500).end("no");
        return true;
      },
    });
    const first = await cluster.submitScript("true\n", "--service", "behind");
    const { input } = await cluster.job(first);
    const submitKnown = async (): Promise<void> => {
      const answer = await cluster.request("/v1/jobs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ service: "behind", input }),
      });
      assert.equal(answer.status, 201, await answer.text());
    };
    for (let n = 0; n < most + 4; n += 1) await submitKnown();
    const agent = async () => {
      const { items } = (await (await cluster.request("/v1/agents")).json()) as { items: Agent[] };
      return items.find(({ url }) => url === liar.url);
    };
    await waitUntil("it is behind", async () => (await agent())?.waitingResults === most, 120_000);
    assert.match((await agent())?.problem ?? "", /100 of its results wait to be stored/);
    const figures = await (await fetch(`${cluster.server.url}/metrics`)).text();
    assert.match(figures, /^jobctl_results_waiting\{agent="behind"\} 100$/m);
    const queued = await cluster.request("/v1/jobs?state=queued&service=behind&limit=100");
    assert.equal(((await queued.json()) as { items: Job[] }).items.length, 5);
    assert.equal(liar.count(PUT), most);
  });
});
