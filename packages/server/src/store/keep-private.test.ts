import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";

import { keepPrivate } from "./keep-private.js";

it("a file of a database is kept from others, and nothing but a file is touched", () => {
  const directory = mkdtempSync(join(tmpdir(), "jobctl-private-"));
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  try {
    const file = join(directory, "file");
    writeFileSync(file, "");
    const fifo = join(directory, "fifo");
    spawnSync("mkfifo", [fifo]);
    for (const path of [file, fifo]) chmodSync(path, 0o666);
    keepPrivate(file, fifo, join(directory, "missing"));
    assert.deepEqual([modeOf(file), modeOf(fifo)], [0o600, 0o666]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
