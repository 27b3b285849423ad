import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import Database from "better-sqlite3";

import { openDatabase } from "./database.js";
import { NEW_JOB } from "./new-job.test-support.js";
import { continueAfterRestore } from "./restored.js";
import { openStore } from "./store.js";

const NOW = 1_000_000_000_000;
const INSTALLATION = randomUUID();

describe("a database that is restored", () => {
  let directory: string;
  let backup: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-restored-"));
    backup = make("backup.db", INSTALLATION, 3);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function make(name: string, uuid: string, jobs: number): string {
    const path = join(directory, name);
    const store = openStore(path);
    store.transaction(() => {
      store.installation.create({ uuid, publicKey: "p", privateKey: "k" }, NOW);
      for (let n = 0; n < jobs; n += 1) store.jobs.insert({ ...NEW_JOB }, {});
    });
    store.close();
    return path;
  }
  const nextIdAfter = (replaced: string, isNew = false): number => {
    const path = join(directory, "restored.db");
    copyFileSync(backup, path);
    const db = openDatabase(path);
    try {
      const newInstallation = isNew
        ? { uuid: randomUUID(), publicKey: "p", privateKey: "k" }
        : null;
      const facts = { createdAt: NOW, replaced, newInstallation };
      return continueAfterRestore(db, facts, NOW).nextJobId;
    } finally {
      db.close();
    }
  };

  it("goes on after the ids of the database that it replaces", () => {
    const newer = make("newer.db", INSTALLATION, 5);
    assert.equal(nextIdAfter(newer), 6);
    assert.equal(nextIdAfter(newer, true), 6);
  });

  it("does not believe a database of another installation, an older one, or one that is none", () => {
    const empty = join(directory, "empty.db");
    new Database(empty).close();
    for (const replaced of [
      make("foreign.db", randomUUID(), 5),
      make("older.db", INSTALLATION, 2),
      empty,
      join(directory, "missing.db"),
    ])
      assert.ok(nextIdAfter(replaced) > 3_600_000, replaced);
  });
});
