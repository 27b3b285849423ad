import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { Directory } from "@jobctl/archive";
import fc from "fast-check";

import { emptyDirectory } from "./remove-tree.js";

describe("emptying a directory", () => {
  let root: string;
  let top: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-remove-"));
    top = join(root, "top");
    await mkdir(top);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const empty = async () => {
    const directory = Directory.open(top);
    try {
      return await emptyDirectory(directory);
    } finally {
      directory.close();
    }
  };

  it("removes trees of any shape", async () => {
    const path = fc.array(fc.constantFrom("a", "b", "moved-1", "moved-2", "é"), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(path, { maxLength: 20 }), async (paths) => {
        for (const segments of paths) {
          await mkdir(join(top, ...segments, "file"), { recursive: true }).catch(() => {});
          await writeFile(join(top, ...segments, "leaf"), "").catch(() => {});
        }
        assert.equal((await empty()).left, 0);
        assert.deepEqual(await readdir(top), []);
      }),
      { numRuns: 50 },
    );
  });

  it("removes a chain that is deeper than a path can say", async () => {
    const script = "for (let n = 0; n < 5000; n += 1) { fs.mkdirSync('d'); process.chdir('d'); }";
    execFileSync(process.execPath, ["-e", script], { cwd: top });
    assert.equal((await empty()).left, 0);
    assert.deepEqual(await readdir(top), []);
  });

  it("removes links, and not what they lead to", async () => {
    await mkdir(join(root, "outside"));
    await writeFile(join(root, "outside/kept"), "");
    await mkdir(join(top, "a"));
    await symlink(join(root, "outside"), join(top, "link"));
    await symlink("../../outside", join(top, "a/link"));
    assert.equal((await empty()).left, 0);
    assert.deepEqual(await readdir(join(root, "outside")), ["kept"]);
  });

  it("removes what its owner may not read, and names that are not UTF-8", async () => {
    await mkdir(join(top, "closed/inner"), { recursive: true });
    await writeFile(Buffer.concat([Buffer.from(`${top}/closed/inner/`), Buffer.from([0xe9])]), "");
    execFileSync("chmod", ["000", join(top, "closed/inner"), join(top, "closed")]);
    assert.equal((await empty()).left, 0);
    assert.deepEqual(await readdir(top), []);
  });
});
