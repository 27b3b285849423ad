import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { openStore } from "./store.js";

describe("the files of a database", () => {
  it("that cannot be looked at keep it from being written, until they can", () => {
    const directory = mkdtempSync(join(tmpdir(), "jobctl-files-"));
    const folder = join(directory, "data");
    mkdirSync(folder);
    const store = openStore(join(folder, "jobctl.db"));
    // A loop of links: nothing can be found below it.
    renameSync(folder, `${folder}.away`);
    symlinkSync(folder, folder);
    assert.throws(() => store.checkWritable(), {
      code: "database_unavailable",
      message: /cannot be looked at \(ELOOP\)/,
    });
    unlinkSync(folder);
    renameSync(`${folder}.away`, folder);
    store.checkWritable();
    store.close();
    rmSync(directory, { recursive: true });
  });
});
