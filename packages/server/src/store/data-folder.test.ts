import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { requireBelonging, writeInstallationNote } from "./data-folder.js";
import { NEW_JOB } from "./new-job.test-support.js";
import { openStore } from "./store.js";

describe("a data folder without its stored files", () => {
  it("is refused with a database whose jobs refer to them, also with its note", async () => {
    const directory = mkdtempSync(join(tmpdir(), "jobctl-folder-"));
    const paths = { dataPath: directory, dbPath: join(directory, "jobctl.db") };
    const id = randomUUID();
    const store = openStore(paths.dbPath);
    store.transaction(() => {
      store.installation.create({ uuid: id, publicKey: "p", privateKey: "k" }, 1);
      store.jobs.insert(NEW_JOB, {});
    });
    store.close();
    await writeInstallationNote(directory, id, 1);
    assert.throws(() => requireBelonging(paths), {
      code: "data_mismatch",
      message: /has no stored files/,
    });
    writeFileSync(paths.dbPath, Buffer.alloc(8192, 0xa5));
    assert.throws(() => requireBelonging(paths), { code: "database_damaged" });
    rmSync(directory, { recursive: true });
  });
});

describe("the note of an installation", () => {
  const places: Record<string, (path: string) => void> = {
    "a FIFO": (path) => execFileSync("mkfifo", [path]),
    "a link to a device": (path) => symlinkSync("/dev/zero", path),
    "a directory": (path) => mkdirSync(path),
    "a file without an end": (path) => {
      writeFileSync(path, "{}");
      truncateSync(path, 2 ** 40);
    },
  };
  for (const [what, place] of Object.entries(places)) {
    it(`is refused at once where it is ${what}`, () => {
      const directory = mkdtempSync(join(tmpdir(), "jobctl-folder-"));
      place(join(directory, "installation.json"));
      const paths = { dataPath: directory, dbPath: join(directory, "jobctl.db") };
      assert.throws(() => requireBelonging(paths), {
        code: "data_mismatch",
        message: /cannot be read as the note/,
      });
      rmSync(directory, { recursive: true });
    });
  }
});
