import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { AttemptSpec, JobctlError } from "@jobctl/protocol";

import { Capacity } from "./capacity.js";

const spec = (id: string, cpus = 1, memoryBytes: number | null = null): AttemptSpec => ({
  id,
  jobId: 1,
  attempt: 1,
  service: "default",
  env: {},
  timeoutSeconds: 1,
  cpus,
  memoryBytes,
  outputs: [],
  network: false,
  validation: { profile: "standard", overrides: {}, allowHosts: [], allowCommands: [] },
  archive: { sha256: "0".repeat(64), sizeBytes: 0, root: "" },
});

describe("capacity", () => {
  it("is given out once, and again after it has come back", () => {
    const capacity = new Capacity({ slots: 1, cpus: 2, memoryBytes: 100 });
    capacity.reserve(spec("1.1"));
    assert.throws(() => capacity.reserve(spec("2.1")), { code: "no_room" });
    capacity.release("1.1");
    capacity.release("1.1");
    capacity.reserve(spec("2.1"));
    assert.equal(capacity.slotsUsed, 1);
  });

  it("asks for longer pauses while it stays full, and for short ones after something has come back", () => {
    const capacity = new Capacity({ slots: 1, cpus: 2, memoryBytes: 100 });
    const refusedFor = (): number | null => {
      try {
        capacity.reserve(spec("2.1"));
        return null;
      } catch (error) {
        return (error as JobctlError).retryAfterSeconds;
      }
    };
    capacity.reserve(spec("1.1"));
    assert.deepEqual(Array.from({ length: 7 }, refusedFor), [1, 2, 4, 8, 16, 32, 32]);
    capacity.release("1.1");
    capacity.reserve(spec("3.1"));
    assert.equal(refusedFor(), 1);
  });

  it("names what is short", () => {
    const capacity = new Capacity({ slots: 9, cpus: 2, memoryBytes: 100 });
    capacity.reserve(spec("1.1", 1, 60));
    assert.throws(() => capacity.reserve(spec("2.1", 2)), /wants 2 cpus, 1 of 2 are free/);
    assert.throws(
      () => capacity.reserve(spec("3.1", 1, 50)),
      /wants 50 memoryBytes, 40 of 100 are free/,
    );
  });
});
