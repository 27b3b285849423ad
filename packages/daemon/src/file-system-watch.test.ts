import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, open, openSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";

import { FileSystemWatch } from "./file-system-watch.js";

describe("the watch over the file system", () => {
  it("notices when every thread of the pool waits, and when they are back", async () => {
    const directory = await mkdtemp(join(tmpdir(), "jobctl-watch-"));
    const fifo = join(directory, "fifo");
    execFileSync("/usr/bin/env", ["mkfifo", fifo]);
    // Each waits in a thread until somebody opens the other end.
    const opens = Array.from({ length: 4 }, () => promisify(open)(fifo, "r"));
    const watch = new FileSystemWatch(async () => {
      await stat("/");
      return { ok: true, critical: false, message: null, ageSeconds: null };
    });
    let otherEnd: number;
    try {
      const check = await watch.check();
      assert.deepEqual([check.ok, check.critical], [false, true]);
      assert.match(check.message ?? "", /has not come back for \d+ s/);
      assert.equal(await watch.isAlive(), true, "not for so long yet");
    } finally {
      otherEnd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
      for (const descriptor of await Promise.all(opens)) closeSync(descriptor);
      closeSync(otherEnd);
    }
    assert.equal((await watch.check()).ok, true);
    await rm(directory, { recursive: true });
  });
});
