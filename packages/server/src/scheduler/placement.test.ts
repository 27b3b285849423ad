import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { JobQueue } from "./job-queue.js";
import { placedJob as job } from "./placed-job.test-support.js";
import {
  assign,
  explain,
  userKey,
  type ActiveJob,
  type AgentOffer,
  type Assignment,
  type PlacedJob,
  type RunLimits,
  type Waiting,
} from "./placement.js";

const NOW = 1000;

function plan(
  queued: readonly PlacedJob[],
  active: readonly ActiveJob[],
  agents: readonly AgentOffer[],
  limitsOf: (service: string) => RunLimits,
  lastServed: (user: string) => number = () => 0,
): { assignments: Assignment[]; waiting: Waiting[] } {
  const queue = new JobQueue();
  for (const one of queued) queue.add(one);
  queue.endPauses(NOW);
  const situation = { active, agents, limitsOf, lastServed };
  return {
    assignments: assign(queue.classes, situation),
    waiting: explain(queue.classes, queue.paused, situation),
  };
}

const NO_LIMITS = () => ({ maxRuns: null, runsPerUser: null });

const agent = (name: string, change: Partial<AgentOffer> = {}): AgentOffer => ({
  name,
  services: ["default"],
  slots: 2,
  cpus: 8,
  memoryBytes: 1000,
  state: "accepting",
  ...change,
});

const reasons = (...parameters: Parameters<typeof plan>): string[] =>
  plan(...parameters).waiting.map(({ reason }) => reason);

describe("placement", () => {
  it("spreads jobs over the agents that have the most room", () => {
    const { assignments } = plan(
      [job(1), job(2), job(3)],
      [],
      [agent("a"), agent("b", { slots: 4 })],
      NO_LIMITS,
    );
    assert.deepEqual(
      assignments.map(({ agent: name }) => name),
      ["a", "b", "b"],
    );
  });

  it("leaves a job that has failed alone until its pause is over", () => {
    const queued = [job(1, { notBeforeMs: NOW + 1 }), job(2, { notBeforeMs: NOW })];
    const { assignments, waiting } = plan(queued, [], [agent("a")], NO_LIMITS);
    assert.deepEqual(
      assignments.map(({ jobId }) => jobId),
      [2],
    );
    assert.deepEqual(
      waiting.map(({ jobId, reason }) => [jobId, reason]),
      [[1, "retry_pause"]],
    );
  });

  it("lets users take turns, however many jobs one of them has", () => {
    const queued = [
      ...Array.from({ length: 10 }, (_, n) => job(n + 1, { user: "many" })),
      job(11, { user: "one" }),
    ];
    const { assignments } = plan(queued, [], [agent("a", { slots: 2 })], NO_LIMITS);
    assert.deepEqual(
      assignments.map(({ jobId }) => jobId),
      [1, 11],
    );
  });

  it("counts what already runs when it is a user's turn", () => {
    const active = [{ ...job(1, { user: "busy" }), agent: "a" }];
    const { assignments } = plan(
      [job(2, { user: "busy" }), job(3, { user: "idle" })],
      active,
      [agent("a")],
      NO_LIMITS,
    );
    assert.deepEqual(
      assignments.map(({ jobId }) => jobId),
      [3],
    );
  });

  it("gives the next turn to whoever was served longest ago", () => {
    const queued = [1, 2, 3].map((id) => job(id, { user: `user${id}` }));
    const served = new Map(queued.map((one, n) => [userKey(one), [7, 5, 6][n] ?? 0]));
    const { assignments, waiting } = plan(
      queued,
      [],
      [agent("a", { slots: 1 })],
      NO_LIMITS,
      (user) => served.get(user) ?? 0,
    );
    assert.deepEqual(
      [...assignments, ...waiting].map(({ jobId }) => jobId),
      [2, 3, 1],
    );
  });

  it("takes a user's own jobs by priority, and nobody else's", () => {
    const queued = [job(1), job(2, { priority: 5 }), job(3, { user: "other" })];
    const { assignments, waiting } = plan(queued, [], [agent("a")], NO_LIMITS);
    assert.deepEqual(
      assignments.map(({ jobId }) => jobId),
      [2, 3],
    );
    assert.deepEqual(waiting, [{ jobId: 1, position: 1, reason: "agents_busy" }]);
  });

  it("says why a job waits", () => {
    const one = [job(1)];
    assert.deepEqual(reasons(one, [], [], NO_LIMITS), ["no_agent"]);
    assert.deepEqual(reasons(one, [], [agent("a", { services: ["other"] })], NO_LIMITS), [
      "no_agent",
    ]);
    assert.deepEqual(reasons([job(1, { cpus: 9 })], [], [agent("a")], NO_LIMITS), ["no_agent"]);
    assert.deepEqual(reasons([job(1, { memoryBytes: 1001 })], [], [agent("a")], NO_LIMITS), [
      "no_agent",
    ]);
    assert.deepEqual(reasons(one, [], [agent("a", { state: "draining" })], NO_LIMITS), [
      "agents_draining",
    ]);
    const unusable = agent("b", { state: "unusable" });
    assert.deepEqual(reasons(one, [], [agent("a", { state: "draining" }), unusable], NO_LIMITS), [
      "agents_unusable",
    ]);
    assert.deepEqual(reasons(one, [], [agent("a", { state: "full" })], NO_LIMITS), ["agents_busy"]);
    const active = [{ ...job(8), agent: "b" }];
    assert.deepEqual(
      reasons(one, active, [agent("a")], () => ({ maxRuns: 1, runsPerUser: null })),
      ["service_limit"],
    );
    assert.deepEqual(
      reasons(one, active, [agent("a")], () => ({ maxRuns: null, runsPerUser: 1 })),
      ["user_limit"],
    );
  });

  it("does not let a job that fits nowhere hold up those behind it", () => {
    const { assignments } = plan([job(1, { cpus: 9 }), job(2)], [], [agent("a")], NO_LIMITS);
    assert.deepEqual(assignments, [{ jobId: 2, agent: "a" }]);
  });

  it("tells where jobs stand by turns, and each user's own by priority", () => {
    const queued = [
      job(1, { user: "many" }),
      job(2, { user: "many" }),
      job(3, { user: "many", priority: 1 }),
      job(4, { user: "one" }),
      job(5, { user: "busy" }),
    ];
    const active = [{ ...job(9, { user: "busy" }), agent: "a" }];
    const { waiting } = plan(queued, active, [agent("a", { slots: 1 })], NO_LIMITS);
    assert.deepEqual(
      waiting.map(({ jobId }) => jobId),
      [3, 4, 1, 5, 2],
    );
  });

  it("never gives an agent more than it has, nor a user more than the limit", () => {
    const jobs = fc.array(
      fc.record({
        user: fc.constantFrom("u", "v", "w"),
        cpus: fc.integer({ min: 1, max: 5 }),
        memoryBytes: fc.option(fc.integer({ min: 1, max: 900 })),
        priority: fc.integer({ min: -2, max: 2 }),
      }),
      { maxLength: 30 },
    );
    const agents = fc.array(
      fc.record({ slots: fc.integer({ min: 1, max: 4 }), cpus: fc.integer({ min: 1, max: 8 }) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(jobs, jobs, agents, (queuedParts, activeParts, agentParts) => {
        const offers = agentParts.map((part, n) => agent(`a${n}`, part));
        const queued = queuedParts.map((part, n) => job(n + 1, part));
        const running = firstFitting(
          activeParts.map((part, n) => job(1000 + n, part)),
          offers,
        );
        const limits = { maxRuns: null, runsPerUser: 3 };
        const { assignments, waiting } = plan(queued, running, offers, () => limits);
        assert.deepEqual(
          [...assignments, ...waiting].map(({ jobId }) => jobId).toSorted((a, b) => a - b),
          queued.map(({ id }) => id),
        );
        assert.deepEqual(
          waiting.map(({ position }) => position),
          waiting.map((_, n) => n + 1),
        );
        const all = [
          ...running,
          ...assignments.map(({ jobId, agent: name }) => ({
            ...(queued[jobId - 1] ?? job(0)),
            agent: name,
          })),
        ];
        for (const offer of offers)
          assertFits(
            offer,
            all.filter((placed) => placed.agent === offer.name),
          );
        for (const { jobId } of waiting)
          assertFitsNowhere(queued[jobId - 1] ?? job(0), all, offers);
        for (const user of ["u", "v", "w"]) {
          const before = running.filter((placed) => placed.user === user).length;
          const after = all.filter((placed) => placed.user === user).length;
          assert.ok(after <= Math.max(3, before));
        }
      }),
      { numRuns: 500 },
    );
  });
});

function firstFitting(jobs: PlacedJob[], offers: AgentOffer[]): ActiveJob[] {
  const placed: ActiveJob[] = [];
  for (const candidate of jobs) {
    const offer = offers.find(({ name, slots, cpus, memoryBytes }) => {
      const there = placed.filter(({ agent: other }) => other === name);
      const sum = (pick: (one: PlacedJob) => number): number =>
        there.reduce((total, one) => total + pick(one), pick(candidate));
      return (
        there.length < slots &&
        sum((one) => one.cpus) <= cpus &&
        sum((one) => one.memoryBytes ?? 0) <= memoryBytes
      );
    });
    if (offer !== undefined) placed.push({ ...candidate, agent: offer.name });
  }
  return placed;
}

/** Nothing waits while it could run: its user has reached the limit, or no agent has enough left. */
function assertFitsNowhere(
  waiting: PlacedJob,
  running: readonly ActiveJob[],
  offers: readonly AgentOffer[],
): void {
  if (running.filter(({ user }) => user === waiting.user).length >= 3) return;
  for (const offer of offers) {
    const there = running.filter(({ agent: name }) => name === offer.name);
    const cpus = there.reduce((sum, one) => sum + one.cpus, waiting.cpus);
    const memory = there.reduce(
      (sum, one) => sum + (one.memoryBytes ?? 0),
      waiting.memoryBytes ?? 0,
    );
    const fits = there.length < offer.slots && cpus <= offer.cpus && memory <= offer.memoryBytes;
    assert.ok(!fits, `job ${waiting.id} could run on ${offer.name}`);
  }
}

function assertFits(offer: AgentOffer, jobs: ActiveJob[]): void {
  assert.ok(jobs.length <= offer.slots);
  assert.ok(jobs.reduce((sum, { cpus }) => sum + cpus, 0) <= offer.cpus);
  assert.ok(
    jobs.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0) <= offer.memoryBytes,
  );
}
