import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { JobQueue } from "./job-queue.js";
import { placedJob as job } from "./placed-job.test-support.js";
import type { PlacedJob } from "./placement.js";

const idsOf = (queue: JobQueue): number[][] =>
  [...queue.classes].map((jobs) => [...jobs].map(({ id }) => id));

describe("the queue", () => {
  it("puts jobs together that differ in age only, the oldest first", () => {
    const queue = new JobQueue();
    for (const [id, cpus] of [
      [5, 1],
      [2, 2],
      [7, 1],
      [3, 1],
    ] as const)
      queue.add(job(id, { cpus }));
    assert.deepEqual(idsOf(queue), [[3, 5, 7], [2]]);
    queue.delete(5);
    queue.delete(2);
    assert.deepEqual(idsOf(queue), [[3, 7]]);
    assert.equal(queue.size, 2);
  });

  it("keeps a job apart until its pause is over", () => {
    const queue = new JobQueue();
    queue.add(job(1, { notBeforeMs: 100 }));
    queue.add(job(2, { notBeforeMs: 300 }));
    queue.add(job(3));
    assert.deepEqual(idsOf(queue), [[3]]);
    assert.equal(queue.endPauses(50), 100);
    assert.equal(queue.endPauses(100), 300);
    assert.deepEqual(idsOf(queue), [[1, 3]]);
    assert.deepEqual(
      [...queue.paused].map(({ id }) => id),
      [2],
    );
    queue.delete(2);
    assert.equal(queue.endPauses(100), null);
    assert.equal(queue.size, 2);
  });

  it("holds what was added and not deleted, whatever the order", () => {
    const steps = fc.array(
      fc.record({
        id: fc.integer({ min: 1, max: 12 }),
        add: fc.boolean(),
        user: fc.constantFrom("u", "v"),
        notBeforeMs: fc.option(fc.integer({ min: 0, max: 20 })),
      }),
    );
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new JobQueue();
        const expected = new Map<number, PlacedJob>();
        for (const [at, { id, add, ...parts }] of list.entries()) {
          if (add) queue.add(job(id, parts));
          else queue.delete(id);
          if (add) expected.set(id, job(id, parts));
          else expected.delete(id);
          queue.endPauses(at % 20);
        }
        const there = [...[...queue.classes].flatMap((jobs) => [...jobs]), ...queue.paused];
        const byId = (a: PlacedJob, b: PlacedJob): number => a.id - b.id;
        assert.deepEqual(there.toSorted(byId), [...expected.values()].toSorted(byId));
        assert.equal(queue.size, expected.size);
        for (const ids of idsOf(queue))
          assert.deepEqual(
            ids,
            ids.toSorted((a, b) => a - b),
          );
      }),
    );
  });
});
