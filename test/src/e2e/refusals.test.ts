import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { ERRORS, type Agent, type ErrorCode } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { MaliciousAgent, refusal } from "../support/malicious-agent.js";
import { waitUntil } from "../support/wait-until.js";

/** What is wrong with the job itself: any agent would say so. */
const ABOUT_THE_JOB: Readonly<Partial<Record<ErrorCode, "rejected" | "executor_error">>> = {
  archive_expands_too_much: "rejected",
  archive_invalid: "rejected",
  archive_too_large: "rejected",
  archive_too_many_entries: "rejected",
  archive_unsafe_entry: "rejected",
  run_script_missing: "rejected",
  script_rejected: "rejected",
  body_too_large: "executor_error",
  headers_too_large: "executor_error",
  invalid_request: "executor_error",
};
const CODES = Object.keys(ERRORS) as ErrorCode[];
const serviceOf = (code: ErrorCode): string => code.replaceAll("_", "-");

describe("an agent that answers a dispatch with an error", () => {
  let cluster: Cluster;
  const refusing = new Map<ErrorCode, { agent: MaliciousAgent; accepts: boolean }>();
  before(async () => {
    cluster = await Cluster.start({
      agents: 0,
      server: { JOBCTL_SERVICES: ["default", ...CODES.map(serviceOf)].join(",") },
    });
    for (const code of CODES) {
      const one = { accepts: false };
      const agent = await MaliciousAgent.start(
        serviceOf(code),
        {
          answer: (request, response) => {
            if (request.method !== "PUT" || one.accepts) return false;
            request.resume();
            response.writeHead(ERRORS[code].status, { "content-type": "application/json" });
            response.end(JSON.stringify(refusal(code, `it says ${code}`)));
            return true;
          },
        },
        { foreignId: "1.1", foreignName: "nobody" },
      );
      refusing.set(code, Object.assign(one, { agent }));
    }
  });
  after(async () => {
    await cluster.stop();
    for (const { agent } of refusing.values()) await agent.stop();
  });

  const agents = async (): Promise<Agent[]> =>
    ((await (await cluster.request("/v1/agents")).json()) as { items: Agent[] }).items;

  describe("ends the job only when it is about the job", { concurrency: 4 }, () => {
    for (const code of CODES) {
      it(`${code}: ${ABOUT_THE_JOB[code] ?? "the job is queued again"}`, async () => {
        const one = refusing.get(code);
        assert.ok(one);
        await cluster.ok(["agents", "add", one.agent.url]);
        const id = await cluster.submitScript("true\n", "--service", one.agent.name);
        const reason = ABOUT_THE_JOB[code];
        if (reason !== undefined) {
          await waitUntil("it has ended", async () => (await cluster.job(id)).outcome !== null);
          assert.equal((await cluster.job(id)).outcome?.reason, reason);
          return;
        }
        const isAsked = (times: number) => () =>
          Promise.resolve(one.agent.count("PUT /v1/attempts/:id") >= times);
        await waitUntil("it has been sent twice", isAsked(2));
        const { status, outcome } = await cluster.job(id);
        assert.equal(outcome, null, `it is ${status}`);
        if (code === "epoch_outdated") {
          const shown = (await agents()).find(({ url }) => url === one.agent.url);
          assert.match(shown?.problem ?? "", /refused job \d+: it says epoch_outdated/);
        }
        one.accepts = true;
        await waitUntil("it has ended", async () => (await cluster.job(id)).outcome !== null);
        assert.match((await cluster.job(id)).outcome?.message ?? "", /^forged/);
      });
    }
  });
});
