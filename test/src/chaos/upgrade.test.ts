import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import Database from "better-sqlite3";

import { Cluster } from "../support/cluster.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { shows } from "../support/shows.js";
import { tarArchive } from "../support/tar-bytes.js";

const FIRST_SCHEMA = new URL(
  "../../../packages/server/migrations/0001-initial.sql",
  import.meta.url,
);

describe("a database of another version", () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await Cluster.start();
    await cluster.server.end("SIGTERM");
  });
  afterEach(() => stopWithoutLeftovers(cluster));

  it("of the first schema is brought up to date, with jobs queued and running", async (t) => {
    shows(t, "older-schemas-are-upgraded");
    const archive = tarArchive([{ path: "run.sh", content: 'echo "$JOBCTL_ATTEMPT"\n' }]);
    const sha256 = createHash("sha256").update(archive).digest("hex");
    await mkdir(dirname(cluster.blobPath(sha256)), { recursive: true });
    await writeFile(cluster.blobPath(sha256), archive);
    // A data folder of that time had no note of an installation.
    await rm(join(cluster.dataPath, "installation.json"));
    const db = await openEmpty(join(cluster.dataPath, "jobctl.db"));
    db.exec(await readFile(FIRST_SCHEMA, "utf8"));
    db.pragma("user_version = 1");
    const insert = db.prepare(
      `INSERT INTO jobs (tenant, user, name, service, timeout_seconds, cpus, request_sha256,
         input_sha256, input_size_bytes, input_root, input_entries, input_extracted_bytes,
         status, attempt, agent, submitted_at)
       VALUES ('default', 'me', 'old', 'default', 60, 1, ?, ?, ?, '', 1, 1, ?, ?, ?, 1)`,
    );
    insert.run("0".repeat(64), sha256, archive.length, "queued", 0, null);
    insert.run("1".repeat(64), sha256, archive.length, "running", 1, "agent-1");
    db.exec("INSERT INTO attempts (job_id, number, agent, created_at) VALUES (2, 1, 'agent-1', 1)");
    db.close();
    // The agents of that time served no installation of their own.
    await cluster.agents[0]?.end("SIGTERM");
    await rm(join(cluster.root, "agent-1/identity.json"));
    await cluster.startAgent(1);

    await cluster.startServer();
    await cluster.ok(["wait", "1", "2"]);
    assert.equal(await cluster.ok(["logs", "1"]), "1.1\n");
    // The agent knows nothing of it any more: it is run again.
    assert.equal(await cluster.ok(["logs", "2"]), "2.2\n");
    const { attempts } = await cluster.job(2);
    assert.deepEqual(
      attempts.map(({ endedAs }) => endedAs),
      ["lost", "collected"],
    );
  });

  it("of a later schema is refused, and left as it is", async (t) => {
    shows(t, "older-schemas-are-upgraded");
    const path = join(cluster.dataPath, "jobctl.db");
    const db = new Database(path);
    db.pragma("user_version = 1000");
    db.close();
    const before = await readFile(path);
    await assert.rejects(cluster.startServer(), /schema version 1000/);
    assert.deepEqual(await readFile(path), before);
  });
});

async function openEmpty(path: string): Promise<Database.Database> {
  for (const suffix of ["", "-wal", "-shm"]) await writeFile(path + suffix, "");
  return new Database(path);
}
