import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { TRANSITIONS, isTerminal, type JobStatus } from "@jobctl/protocol";
import fc from "fast-check";

import { BlobStore } from "../blobs/blob-store.js";
import type { JobRow } from "../store/job-row.js";
import { heard, type HeardReport } from "../heard-report.js";
import { NEW_JOB } from "../store/new-job.test-support.js";
import { openStore, type Store } from "../store/store.js";
import { AttemptService } from "./attempt-service.js";
import { JobEvents } from "./job-events.js";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

const HISTORIES = 300;
const REFUSAL = { type: "agent_refused", message: "no room", pauseMs: null } as const;

/** What may arrive, in any order, any number of times, about any attempt. */
type Message =
  | { readonly kind: "claim" | "cancel" }
  | {
      readonly kind: "running" | "collecting" | "lose" | "evict";
      readonly attempt: number;
    }
  | { readonly kind: "release"; readonly attempt: number; readonly isUnused: boolean }
  | { readonly kind: "finish"; readonly attempt: number; readonly exitCode: number };

const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: "claim" } as const) },
  fc.constant({ kind: "cancel" } as const),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("running", "collecting", "lose", "evict"),
      attempt: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("release" as const),
      attempt: fc.integer({ min: 1, max: 5 }),
      isUnused: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("finish" as const),
      attempt: fc.integer({ min: 1, max: 5 }),
      exitCode: fc.integer({ min: 0, max: 1 }),
    }),
  },
);

describe("the steps of an attempt", () => {
  let directory: string;
  let store: Store;
  let attempts: AttemptService;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-attempts-"));
    store = openStore(join(directory, "jobctl.db"));
    attempts = new AttemptService({
      store,
      blobs: new BlobStore(directory, 0),
      events: new JobEvents(),
      logger: SILENT,
      maxRequeues: 2,
      maxRefusedMs: 60_000,
    });
  });
  after(() => {
    store.close();
    rmSync(directory, { recursive: true });
  });

  const apply = async (id: number, what: Message): Promise<void> => {
    switch (what.kind) {
      case "claim":
        attempts.claim(id, "agent");
        break;
      case "cancel":
        store.transaction(() => store.jobs.requestCancel(id, Date.now()));
        break;
      case "release":
        attempts.release(id, what.attempt, { ...REFUSAL, isUnused: what.isUnused });
        break;
      case "running":
        attempts.markRunning(id, what.attempt, report(id, what.attempt));
        break;
      case "collecting":
        attempts.markCollecting(id, what.attempt, report(id, what.attempt));
        break;
      case "lose":
        attempts.lose(id, what.attempt, "gone");
        break;
      case "evict":
        attempts.evict(id, what.attempt, "drained");
        break;
      case "finish": {
        const outcome = {
          reason: "exited",
          exitCode: what.exitCode,
          signal: null,
          message: null,
        } as const;
        await attempts.finish(id, what.attempt, report(id, what.attempt), outcome, null);
      }
    }
  };

  it("are told in the order of their times, also where one repeats an earlier one", async () => {
    const { id } = store.transaction(() => store.jobs.insert(NEW_JOB, {}));
    for (const agent of ["a", "b", "a"]) {
      attempts.claim(id, agent);
      attempts.release(id, 1, { ...REFUSAL, isUnused: true });
      await delay(2);
    }
    const events = store.jobs.events(id);
    assert.deepEqual(
      events.map(({ agent, repeats }) => [agent, repeats]),
      [
        [null, 1],
        ["b", 1],
        ["a", 2],
      ],
    );
    assert.equal(store.jobs.lastEventAt(id), events.at(-1)?.at);
  });

  it("make one legal history out of messages that come late, twice and in any order", async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 40 }), async (messages) => {
        const { id } = store.transaction(() => store.jobs.insert({ ...NEW_JOB, retries: 1 }, {}));
        for (const what of messages) {
          const earlier = attempts.get(id) as JobRow;
          await apply(id, what);
          const later = attempts.get(id) as JobRow;
          assertLegalStep(what, earlier, later);
        }
        assertLegalHistory(store.jobs.events(id).filter(({ type }) => type === "status"));
      }),
      { numRuns: HISTORIES },
    );
    t.diagnostic(`promise one-outcome-per-job: ${HISTORIES} random histories of messages`);
  });
});

function assertLegalStep(what: Message, earlier: JobRow, later: JobRow): void {
  if (isTerminal(earlier.status)) {
    assert.deepEqual(later, earlier, "terminal is final");
    return;
  }
  if (later.status !== earlier.status)
    assert.ok(
      TRANSITIONS[earlier.status].includes(later.status),
      `${earlier.status} to ${later.status}`,
    );
  if ("attempt" in what && what.attempt !== earlier.attempt)
    assert.deepEqual(later, earlier, "a word about another attempt changes nothing");
  assert.ok(
    later.attempt === earlier.attempt ||
      (what.kind === "claim" && later.attempt === earlier.attempt + 1) ||
      // The number of an attempt that nobody has heard of is free again.
      (what.kind === "release" && what.isUnused && later.attempt === earlier.attempt - 1),
  );
  assert.equal(later.outcome_reason !== null, isTerminal(later.status));
  assert.equal(
    later.agent === null,
    later.status === "queued" || (later.agent === null && isTerminal(later.status)),
  );
}

function assertLegalHistory(
  events: readonly { readonly status: JobStatus; readonly attempt: number }[],
): void {
  const ends = events.filter(({ status }) => isTerminal(status));
  assert.ok(ends.length <= 1, "one outcome");
  if (ends.length === 1) assert.equal(events.at(-1), ends[0], "nothing follows it");
  for (const [at, event] of events.entries())
    assert.ok(at === 0 || event.attempt >= (events[at - 1]?.attempt ?? 0), "attempts only go up");
}

function report(jobId: number, attempt: number): HeardReport {
  return heard({
    id: `${jobId}.${attempt}`,
    state: "finished",
    startedAt: new Date(1).toISOString(),
    finishedAt: new Date(2).toISOString(),
    outcome: null,
    findings: [],
    usage: null,
    result: null,
  });
}
