import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";

import { machineMoment, msBetween } from "./machine-clock.js";

describe("the machine's clock", () => {
  it("goes on between processes", { skip: process.platform !== "linux" }, () => {
    const before = machineMoment();
    const module = JSON.stringify(new URL("./machine-clock.js", import.meta.url));
    const script = `import(${module}).then((clock) => console.log(JSON.stringify(clock.machineMoment())))`;
    const meanwhile = JSON.parse(execFileSync(process.execPath, ["-e", script]).toString());
    const after = machineMoment();
    const first = msBetween(before, meanwhile);
    const second = msBetween(meanwhile, after);
    assert.ok(first !== null && first > 0);
    assert.ok(second !== null && second > 0);
    assert.ok(Math.abs(first + second - (after.ms - before.ms)) < 1);
  });

  it("tells nothing across a start of the machine", () => {
    const now = machineMoment();
    assert.equal(msBetween({ ...now, boot: "another" }, now), null);
    assert.equal(msBetween(now, { ...now, ms: now.ms + 5 }), 5);
  });
});
