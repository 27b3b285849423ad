import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  appendFile,
  cp,
  mkdir,
  readFile,
  readdir,
  readlink,
  rm,
  writeFile,
} from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { BackupManifest, Output, VacuumReport } from "@jobctl/protocol";

import Database from "better-sqlite3";

import { Cluster } from "../support/cluster.js";
import { SubmitLoad, type Acknowledged } from "../support/direct-submits.js";
import { insertOldJobs } from "../support/insert-jobs.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

type Taken = Extract<Output, { schema: "jobctl.backup-result/v1" }>;
type Restored = Extract<Output, { schema: "jobctl.restore/v1" }>;
type Listed = Extract<Output, { schema: "jobctl.backups/v1" }>;

const ROUNDS = 20;

describe("a backup", () => {
  let cluster: Cluster;
  let directory: string;
  beforeEach(async () => {
    cluster = await Cluster.start();
    directory = join(cluster.root, "backup");
  });
  afterEach(() => cluster.stop());

  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse(await cluster.ok([...args, "--json"])) as T;
  const backup = (): Promise<Taken> => json<Taken>("backup", directory);
  const problems = async (): Promise<string[]> => {
    const { stdout } = await cluster.jobctl(["backup", "verify", directory, "--json"]);
    const answer = JSON.parse(stdout) as Output;
    // Before the first one there is nothing that could be wrong.
    return answer.schema === "jobctl.backups/v1"
      ? answer.items.flatMap((item) => item.problems)
      : [];
  };
  /** A new job with its result. */
  const run = (text: string): Promise<number> =>
    cluster.submitScript(`echo ${text} > result.txt\n`, "--wait");
  const startAgain = async (): Promise<void> => {
    await cluster.startServer();
    await waitUntil(
      "it is ready",
      async () => (await fetch(`${cluster.server.url}/ready`)).status === 200,
    );
  };

  it("brings everything back after the data directory is gone", async (t) => {
    shows(t, "backups-are-whole");
    const ids = [await run("one"), await run("two")];
    const queued = await cluster.submitScript("sleep 600\n");
    await waitUntil("it runs", async () => (await cluster.job(queued)).status === "running");
    const before = await Promise.all(ids.map((id) => cluster.job(id)));
    const { manifest } = await backup();
    assert.equal(manifest.counts.jobs, 3);
    await cluster.server.end("SIGKILL");
    await rm(cluster.dataPath, { recursive: true });
    const restored = await cluster.ok([
      "restore",
      join(directory, "latest"),
      "--data",
      cluster.dataPath,
      "--take-over",
      "--json",
    ]);
    assert.equal(JSON.parse(restored).setAside, null);
    await startAgain();
    assert.deepEqual(await Promise.all(ids.map((id) => cluster.job(id))), before);
    await cluster.ok(["download", String(ids[0]), "-o", "back"]);
    assert.equal(await readFile(join(cluster.root, "back/result.txt"), "utf8"), "one\n");
    // It has gone on meanwhile: the agent still has it.
    assert.deepEqual(
      [(await cluster.job(queued)).status, (await cluster.job(queued)).attempt],
      ["running", 1],
    );
    await cluster.ok(["cancel", String(queued), "--wait"]);
  });

  it("copies only what is new", async () => {
    await run("first");
    const first = await backup();
    assert.equal(first.copied.blobs, first.manifest.blobs.count);
    const id = await run("second");
    const second = await backup();
    const { input, result } = await cluster.job(id);
    assert.deepEqual(second.copied, {
      blobs: 2,
      sizeBytes: input.sizeBytes + (result?.sizeBytes ?? 0),
    });
    assert.deepEqual((await backup()).copied, { blobs: 0, sizeBytes: 0 });
    assert.deepEqual(await problems(), []);
    assert.equal(await cluster.ok(["backup", directory, "--quiet"]), "");
  });

  it("of seven days is kept, the newest good one always", async () => {
    const kept = await run("kept");
    const { snapshot, manifest } = await backup();
    const original = join(directory, "snapshots", snapshot);
    const at = (daysAgo: number): string =>
      new Date(Date.parse(manifest.createdAt) - daysAgo * 86_400_000).toISOString();
    for (let day = 1; day <= 12; day += 1) {
      const name = at(day)
        .replaceAll(":", "-")
        .replace(/\.\d+Z$/, "Z");
      const copy = join(directory, "snapshots", name);
      await cp(original, copy, { recursive: true });
      await writeManifest(copy, { ...manifest, name, createdAt: at(day) });
    }
    const orphan = join(directory, "blobs/sha256/ab");
    await mkdir(orphan, { recursive: true });
    await writeFile(join(orphan, "ab".repeat(32)), "of a snapshot that goes");
    const taken = await json<Taken>("backup", directory, "--keep-days", "7");
    // The one of seven days ago is a few seconds older than that.
    assert.equal(taken.removedSnapshots.length, 6);
    const { items } = await json<Listed>("backup", "list", directory);
    assert.equal(items.length, 8);
    assert.deepEqual(await readdir(orphan), []);
    assert.deepEqual(await problems(), []);
    // However old they are, the newest that is right stays, also when a newer one is damaged.
    for (const { name } of items) {
      const path = join(directory, "snapshots", name);
      const old = JSON.parse(await readFile(join(path, "manifest.json"), "utf8")) as BackupManifest;
      const createdAt = new Date(Date.parse(old.createdAt) - 100 * 86_400_000).toISOString();
      await writeManifest(path, { ...old, createdAt });
    }
    await cluster.server.end("SIGTERM");
    const failed = await cluster.jobctl(["backup", directory, "--keep-days", "7"]);
    assert.equal(failed.exitCode, 108);
    assert.equal((await json<Listed>("backup", "list", directory)).items.length, 8);
    await cluster.startServer();
    assert.equal((await cluster.job(kept)).status, "completed");
  });

  it("that is damaged is found, and not restored", async (t) => {
    shows(t, "backups-are-whole");
    await run("x");
    const { snapshot } = await backup();
    assert.equal(await readlink(join(directory, "latest")), join("snapshots", snapshot));
    const [prefix = ""] = await readdir(join(directory, "blobs/sha256"));
    const [name = ""] = await readdir(join(directory, "blobs/sha256", prefix));
    await appendFile(join(directory, "blobs/sha256", prefix, name), "x");
    assert.equal((await problems()).length, 1);
    await appendFile(join(directory, "latest/jobctl.db"), "x");
    assert.match((await problems())[0] ?? "", /jobctl.db has \d+ bytes instead of/);
    const fresh = join(cluster.root, "fresh");
    const { exitCode, stderr } = await cluster.jobctl([
      "restore",
      join(directory, "latest"),
      "--data",
      fresh,
    ]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /the snapshot .* is damaged/);
    await assert.rejects(readdir(fresh), { code: "ENOENT" });
  });

  it("is not restored over what is in use, or there", async () => {
    await run("x");
    await backup();
    const latest = join(directory, "latest");
    const over = ["restore", latest, "--data", cluster.dataPath];
    assert.match((await cluster.jobctl(over)).stderr, /is not empty/);
    assert.equal((await cluster.jobctl([...over, "--force"])).exitCode, 2);
    const inUse = await cluster.jobctl([...over, "--force", "--yes"]);
    assert.equal(inUse.exitCode, 109);
    assert.match(inUse.stderr, /another jobctl server is running/);
    assert.match(
      (await cluster.jobctl(["restore", latest, "--data", join(cluster.root, "dry"), "--dry-run"]))
        .stderr,
      /verified; nothing was written/,
    );
    await cluster.server.end("SIGTERM");
    const { setAside } = await json<{ setAside: string }>(
      ...over,
      "--force",
      "--yes",
      "--take-over",
    );
    assert.ok((await readdir(setAside)).includes("jobctl.db"));
    await startAgain();
    assert.equal((await cluster.job(1)).status, "completed");
    assert.equal(
      (await cluster.jobctl(["restore", directory, "--data", "elsewhere"])).exitCode,
      102,
    );
  });

  it("is a new installation when it is restored, which agents refuse, unless it takes over", async () => {
    const running = await cluster.submitScript("sleep 600\n");
    await waitUntil("it runs", async () => (await cluster.job(running)).status === "running");
    const { manifest } = await backup();
    const latest = join(directory, "latest");
    const copy = join(cluster.root, "copy");
    const restored = await json<Restored>("restore", latest, "--data", copy);
    assert.notEqual(restored.installation, manifest.installation);
    assert.equal(restored.takeOver, false);
    const note = JSON.parse(await readFile(join(copy, "installation.json"), "utf8")) as {
      id: string;
    };
    assert.equal(note.id, restored.installation);
    const second = await cluster.startStandby({ JOBCTL_DATA_PATH: copy });
    try {
      await waitUntil("the agent has refused it by name", async () => {
        const answer = await fetch(`${second.url}/v1/agents`, { headers: cluster.authorization });
        return (await answer.text()).includes(`and this server is ${restored.installation}`);
      });
    } finally {
      await second.end("SIGTERM");
    }
    assert.deepEqual(
      [(await cluster.job(running)).status, (await cluster.job(running)).attempt],
      ["running", 1],
    );
    const same = join(cluster.root, "same");
    const taken = await json<Restored>("restore", latest, "--data", same, "--take-over");
    assert.deepEqual([taken.installation, taken.takeOver], [manifest.installation, true]);
    await cluster.ok(["cancel", String(running), "--wait"]);
  });

  it("gives out no id again that was given out after it", async () => {
    const queued = await cluster.submitScript("true\n", "--cpus", "99");
    await backup();
    const late = [await run("late"), await run("later")];
    await cluster.server.end("SIGTERM");
    const latest = join(directory, "latest");
    const over = ["restore", latest, "--data", cluster.dataPath, "--take-over"];
    const known = await json<Restored>(...over, "--force", "--yes");
    assert.equal(known.nextJobId, Math.max(...late) + 1);
    await startAgain();
    assert.equal(await run("next"), known.nextJobId);
    // Nothing tells what was given out: as much is left out as can have been.
    await cluster.server.end("SIGTERM");
    await rm(cluster.dataPath, { recursive: true });
    const { nextJobId } = await json<Restored>(...over);
    assert.ok((nextJobId ?? 0) > queued + 3_600_000, `${nextJobId}`);
    await cluster.agents[0]?.end("SIGTERM");
    await cluster.startAgent(1, { JOBCTL_AGENT_CPUS: "99" });
    await startAgain();
    assert.equal(await run("after"), nextJobId);
    assert.ok((await cluster.job(queued)).attempt > 36_000);
    await cluster.ok(["gc"]);
  });

  it("is restored by one at a time: the others say why, and leave nothing", async () => {
    await run("x");
    await backup();
    const target = join(cluster.root, "several");
    const restore = ["restore", join(directory, "latest"), "--data", target];
    const several = await Promise.all([1, 2, 3].map(() => cluster.jobctl(restore)));
    assert.deepEqual(several.map(({ exitCode }) => exitCode).toSorted(), [0, 109, 109]);
    for (const { exitCode, stderr } of several)
      if (exitCode !== 0) assert.match(stderr, /is not empty|somebody else has put data into/);
    const left = (await readdir(cluster.root)).filter((name) => name.startsWith("several"));
    assert.deepEqual(left, ["several"]);
    assert.deepEqual((await readdir(target)).toSorted(), [
      ...["blobs", "installation.json", "jobctl.db"],
    ]);
  });

  it("is taken once at a time", async () => {
    await run("x");
    const several = await Promise.all([1, 2, 3].map(() => cluster.jobctl(["backup", directory])));
    const codes = several.map(({ exitCode }) => exitCode).toSorted();
    assert.equal(codes[0], 0);
    assert.deepEqual(new Set(codes.slice(1)), new Set([109]));
    await assert.rejects(readFile(join(directory, "lock")), { code: "ENOENT" });
  });

  it("is whole or not there, whoever is killed while it is taken, with jobs being submitted", async (t) => {
    const sockets = new Agent({ keepAlive: true });
    const settings = { loops: 8, agent: sockets, pauseMs: 110 };
    let load = new SubmitLoad(cluster, settings);
    const acknowledged: Acknowledged[] = [];
    /** How many of them had been acknowledged when the backup that is now the latest was begun. */
    let covered = 0;
    let loadMs = 0;
    const began = performance.now();
    for (let round = 0; round < ROUNDS; round += 1) {
      const atStart = acknowledged.length + load.acknowledged.length;
      const before = await latestOf(directory);
      const taking = cluster.spawn(["backup", directory]);
      if (round % 4 === 3) {
        let { exitCode } = await taking;
        // The server may still be preparing the snapshot of a client that was killed.
        await waitUntil("no other backup is under way", async () => {
          if (exitCode === 109) ({ exitCode } = await cluster.jobctl(["backup", directory]));
          return exitCode !== 109;
        });
        assert.equal(exitCode, 0);
      } else {
        await delay(Math.random() * 1000);
        if (round % 2 === 0) {
          taking.kill("SIGKILL");
          await taking;
        } else {
          await cluster.server.end("SIGKILL");
          acknowledged.push(...(await load.stop()).acknowledged);
          await cluster.startServer();
          load = new SubmitLoad(cluster, settings);
          await taking;
        }
      }
      assert.deepEqual(await problems(), []);
      const now = await latestOf(directory);
      if (now !== before) covered = atStart;
      if (now === null) continue;
      const paused = performance.now();
      const all = [...acknowledged, ...load.acknowledged];
      await assertRestored(cluster, directory, all.slice(0, covered), round === ROUNDS - 1);
      loadMs -= performance.now() - paused;
    }
    loadMs += performance.now() - began;
    acknowledged.push(...(await load.stop()).acknowledged);
    sockets.destroy();
    t.diagnostic(`${acknowledged.length} submits in ${Math.round(loadMs / 1000)} s`);

    // And for good: what the newest backup holds is all that is left.
    assert.ok(covered > 0);
    await cluster.server.end("SIGKILL");
    await rm(cluster.dataPath, { recursive: true });
    await cluster.ok([
      ...["restore", join(directory, "latest"), "--data", cluster.dataPath, "--take-over"],
    ]);
    await startAgain();
    const last = acknowledged[covered - 1];
    assert.equal((await cluster.job(last?.id ?? 0)).input.sha256, last?.sha256);
    await cluster.ok(["wait", String(acknowledged[0]?.id)]);
    await cluster.ok(["download", String(acknowledged[0]?.id), "-o", "first"]);
    assert.equal(
      await readFile(join(cluster.root, "first/result.txt"), "utf8"),
      acknowledged[0]?.text,
    );
    shows(t, "backups-are-whole", {
      what: "backups while one side is killed under load",
      times: ROUNDS,
    });
  });

  it("a vacuum removes old jobs and makes the database smaller, and checks it", async () => {
    for (let n = 0; n < 5; n += 1) await run(`job-${n}`);
    const recent = await cluster.submitScript("sleep 600\n");
    assert.match(await stderrOf("vacuum", "--check"), /^the database is sound/);
    assert.equal((await cluster.jobctl(["vacuum", "--older-than", "0s"])).exitCode, 2);
    const dry = await json<VacuumReport>("vacuum", "--older-than", "0s", "--dry-run");
    assert.deepEqual([dry.dryRun, dry.jobsRemoved], [true, 5]);
    assert.equal((await cluster.job(1)).status, "completed");
    const report = await json<VacuumReport>("vacuum", "--older-than", "0s", "--yes");
    assert.equal(report.jobsRemoved, 5);
    assert.ok(report.bytesAfter <= report.bytesBefore);
    assert.equal((await cluster.jobctl(["status", "1"])).exitCode, 102);
    assert.ok((await cluster.job(recent)).id > 0);
    await cluster.ok(["gc"]);
    await cluster.ok(["cancel", String(recent), "--wait"]);
  });

  it("a vacuum asks a person before it removes jobs", async () => {
    const id = await run("asked");
    const call = ["vacuum", "--older-than", "0s"];
    const question = /Remove every job that ended more than 0s ago\? \[y\/N\] /;
    for (const no of ["n\n", "\n", "\u0004", "\u0003"]) {
      const answer = await cluster.atTerminal(call, question, no);
      assert.match(answer.stdout, question);
      assert.equal(answer.exitCode, 130, answer.stdout);
      assert.equal((await cluster.job(id)).status, "completed");
    }
    const { exitCode, stdout } = await cluster.atTerminal(call, question, "y\n");
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /removed 1 job; /);
  });

  it("a vacuum stops when the server goes down, and does the rest when it is back", async () => {
    const kept = await run("kept");
    const { input } = await cluster.job(kept);
    await cluster.server.end("SIGTERM");
    insertOldJobs(cluster, 100_000, input);
    await startAgain();
    const vacuuming = cluster.spawn(["vacuum", "--older-than", "1d", "--yes"]);
    await waitUntil("some are removed", () => countJobs(cluster) < 100_000);
    assert.equal(await cluster.server.end("SIGTERM"), 0);
    assert.ok(countJobs(cluster) > 1);
    await startAgain();
    const { exitCode, stderr } = await vacuuming;
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /the vacuum was stopped because the server goes down; trying again/);
    assert.equal(countJobs(cluster), 1);
  });

  for (const point of ["vacuum.removed:3", "vacuum.released"]) {
    it(`a vacuum that dies after ${point} has lost nothing, and the next one does the rest`, async () => {
      const kept = await run("kept");
      const before = await cluster.job(kept);
      await cluster.server.end("SIGTERM");
      insertOldJobs(cluster, 20_000, before.input);
      await cluster.startServer({ JOBCTL_CRASH_POINT: point });
      const vacuuming = cluster.spawn(["vacuum", "--older-than", "1d", "--yes"]);
      await once(cluster.server.child, "exit");
      await startAgain();
      await vacuuming;
      assert.deepEqual(await cluster.job(kept), before);
      const report = await json<VacuumReport>("vacuum", "--older-than", "1d", "--yes");
      assert.ok(report.bytesAfter < 1e6, `${report.bytesAfter} bytes are left`);
      assert.match(await stderrOf("vacuum", "--check"), /^the database is sound/);
      const { items } = await json<{ items: { id: number }[] }>("status");
      assert.deepEqual(
        items.map(({ id }) => id),
        [kept],
      );
      assert.equal(await cluster.ok(["logs", String(kept)]), "");
      await cluster.ok(["download", String(kept), "-o", "kept"]);
    });
  }

  async function stderrOf(...args: string[]): Promise<string> {
    return (await cluster.jobctl(args)).stderr;
  }
});

function countJobs(cluster: Cluster): number {
  const db = new Database(join(cluster.dataPath, "jobctl.db"), { readonly: true });
  try {
    return db.prepare<[], number>("SELECT count(*) FROM jobs").pluck().get() ?? 0;
  } finally {
    db.close();
  }
}

/** The name of the newest snapshot; null when there is none. */
async function latestOf(directory: string): Promise<string | null> {
  return readlink(join(directory, "latest")).catch(() => null);
}

/** Restores the newest snapshot, compares it with what was acknowledged, and removes it again. */
async function assertRestored(
  cluster: Cluster,
  directory: string,
  expected: readonly Acknowledged[],
  readsBlobs: boolean,
): Promise<void> {
  const copy = join(cluster.root, "copy");
  await cluster.ok(["restore", join(directory, "latest"), "--data", copy]);
  const db = new Database(join(copy, "jobctl.db"), { readonly: true });
  try {
    assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
    const rows = db.prepare("SELECT id, input_sha256, result_sha256 FROM jobs").all() as {
      id: number;
      input_sha256: string;
      result_sha256: string | null;
    }[];
    const inputs = new Map(rows.map((row) => [row.id, row.input_sha256]));
    for (const { id, sha256 } of expected) assert.equal(inputs.get(id), sha256, `job ${id}`);
    for (const { input_sha256: input, result_sha256: result } of readsBlobs ? rows : [])
      for (const digest of [input, ...(result === null ? [] : [result])]) {
        const blob = await readFile(join(copy, "blobs/sha256", digest.slice(0, 2), digest));
        assert.equal(createHash("sha256").update(blob).digest("hex"), digest);
      }
  } finally {
    db.close();
    await rm(copy, { recursive: true });
  }
}

async function writeManifest(path: string, manifest: BackupManifest): Promise<void> {
  await writeFile(join(path, "manifest.json"), JSON.stringify(manifest));
}
