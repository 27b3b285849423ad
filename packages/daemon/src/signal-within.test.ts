import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";

import { signalWithin } from "./signal-within.js";

describe("a signal within a time", () => {
  it("is raised by the time, by any other signal, and by one that was raised before", async () => {
    const timed = signalWithin(1);
    await new Promise((resolve) => timed.signal.addEventListener("abort", resolve));
    timed.release();
    const [first, second] = [new AbortController(), new AbortController()];
    const limited = signalWithin(60_000, first.signal, second.signal);
    assert.equal(limited.signal.aborted, false);
    second.abort();
    assert.equal(limited.signal.aborted, true);
    limited.release();
    assert.equal(signalWithin(null, AbortSignal.abort()).signal.aborted, true);
  });

  it("is not raised once it has been released", () => {
    const other = new AbortController();
    const limited = signalWithin(60_000, other.signal);
    limited.release();
    other.abort();
    assert.equal(limited.signal.aborted, false);
  });

  it("outlives a collection of garbage", async () => {
    const script = `
      import { once } from "node:events";
      import { signalWithin } from ${JSON.stringify(new URL("./signal-within.js", import.meta.url))};
      const wait = async () => {
        const { signal } = signalWithin(200, new AbortController().signal);
        await once(signal, "abort");
      };
      const waits = Array.from({ length: 20 }, wait);
      gc();
      setTimeout(gc, 20);
      await Promise.all(waits);
      console.log("all");
    `;
    const args = ["--expose-gc", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
    assert.equal(stdout, "all\n");
  });
});
