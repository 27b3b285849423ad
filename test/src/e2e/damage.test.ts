import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";

import {
  outputSchema,
  type DamageList,
  type GcReport,
  type Health,
  type Job,
  type Output,
} from "@jobctl/protocol";

import { Cluster, type CliResult } from "../support/cluster.js";
import { rot } from "../support/rot.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

type Taken = Extract<Output, { schema: "jobctl.backup-result/v1" }>;
type Listed = Extract<Output, { schema: "jobctl.backups/v1" }>;
type Restored = Extract<Output, { schema: "jobctl.restore/v1" }>;
type RestoredBlobs = Extract<Output, { schema: "jobctl.restored-blobs/v1" }>;

const MEBIBYTE = 1024 ** 2;

describe("a stored file that rots while its times stay as they were", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  /** A job with a result of more than 4 MiB. */
  const runLarge = async (): Promise<{ id: number; sha256: string; sizeBytes: number }> => {
    const script = `seq ${MEBIBYTE} | head -c ${4 * MEBIBYTE} > large.txt; echo $RANDOM$JOBCTL_JOB_ID > small.txt\n`;
    const id = await cluster.submitScript(script, "--wait");
    const { result } = await cluster.job(id);
    assert.ok(result !== null);
    return { id, ...result };
  };

  it("is not served, neither whole nor in the part that has changed", async (t) => {
    const { id, sha256, sizeBytes } = await runLarge();
    const path = cluster.blobPath(sha256);
    const whole = Buffer.from(await (await cluster.request(`/v1/jobs/${id}/result`)).arrayBuffer());
    assert.equal(createHash("sha256").update(whole).digest("hex"), sha256);
    const bad = 2 * MEBIBYTE;
    await rot(path, bad);
    const range = (from: number, to: number): Promise<Response> =>
      cluster.request(`/v1/jobs/${id}/result`, { headers: { range: `bytes=${from}-${to}` } });
    const hit = await range(bad - 10, bad + 10);
    assert.equal(hit.status, 500);
    assert.equal(((await hit.json()) as { error: { code: string } }).error.code, "blob_damaged");
    const file = await cluster.request(`/v1/jobs/${id}/files/large.txt`);
    await assert.rejects(file.arrayBuffer(), "the connection is cut before the byte that is wrong");
    // What is right in it can be had.
    const small = await cluster.request(`/v1/jobs/${id}/files/small.txt`);
    assert.equal(small.status, 200);
    assert.equal(await small.text(), whole.subarray(...contentOf(whole, "small.txt")).toString());
    const rest = await range(sizeBytes - 100, sizeBytes - 1);
    assert.equal(rest.status, 206);
    assert.deepEqual(Buffer.from(await rest.arrayBuffer()), whole.subarray(-100));
    const { exitCode, stderr } = await cluster.jobctl(["download", String(id), "-o", `out-${id}`]);
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /the stored file [0-9a-f]{64} has changed/);
    // Its beginning arrives before the rest is known to be wrong.
    const one = await cluster.jobctl(["download", String(id), "--path", "large.txt"]);
    assert.equal(one.exitCode, 1);
    assert.match(one.stderr, /the stored file [0-9a-f]{64} has changed.*--blob/s);
    assert.deepEqual(await readdir(join(cluster.root, `job-${id}`)), []);
    await cluster.ok(["download", String(id), "--path", "small.txt"]);
    await rot(path, bad);
    shows(t, "damage-is-noticed", {
      what: "a file that rots under its old time stamps, downloaded",
      times: 1,
    });
  });

  it("does not stop a backup, which says what it lacks until a later one brings it", async (t) => {
    const { id, sha256 } = await runLarge();
    const intact = await cluster.submitScript("echo intact\n", "--wait");
    const path = cluster.blobPath(sha256);
    await rot(path, -1000);
    const first = await cluster.jobctl(["backup", "backup", "--json"]);
    assert.equal(first.exitCode, 110, first.stdout);
    const { manifest } = JSON.parse(first.stdout) as Taken;
    assert.deepEqual(
      manifest.damaged?.map((blob) => [blob.sha256, blob.jobs]),
      [[sha256, [{ jobId: id, kind: "result" }]]],
    );
    assert.match(first.stderr, new RegExp(`not in this backup: the result of job ${id} `));
    assert.match(await metrics(cluster), /^jobctl_backup_last_damaged 1$/m);
    const verified = await cluster.jobctl(["backup", "verify", "backup", "--json"]);
    assert.equal(verified.exitCode, 1);
    const [snapshot] = (JSON.parse(verified.stdout) as Listed).items;
    assert.equal(snapshot?.problems.length, 1);
    assert.match(snapshot?.problems[0] ?? "", /damaged when the backup was taken$/);
    // What there is comes back, and what there is not is named.
    const back = await cluster.jobctl(["restore", "backup/latest", "--data", "back", "--json"]);
    assert.equal(back.exitCode, 110, back.stdout);
    assert.deepEqual((JSON.parse(back.stdout) as Restored).missing, [
      { sha256, jobs: [{ jobId: id, kind: "result" }] },
    ]);
    assert.match(back.stderr, new RegExp(`lacks the result of job ${id} `));
    const kept = (await cluster.job(intact)).result?.sha256 ?? "";
    const copy = await readFile(join(cluster.root, "back/blobs/sha256", kept.slice(0, 2), kept));
    assert.equal(createHash("sha256").update(copy).digest("hex"), kept);
    await rot(path, -1000);
    await cluster.ok(["backup", "backup"]);
    await cluster.ok(["backup", "verify", "backup"]);
    assert.match(await metrics(cluster), /^jobctl_backup_last_damaged 0$/m);
    shows(t, "damage-is-noticed", {
      what: "a file that rots under its old time stamps, backed up",
      times: 1,
    });
  });

  it("in a backup itself keeps nothing else from being restored", async (t) => {
    const { id, sha256 } = await runLarge();
    const intact = (await cluster.job(await cluster.submitScript("echo intact\n", "--wait")))
      .result;
    await cluster.ok(["backup", "rotten"]);
    const inBackup = (digest: string): string =>
      join(cluster.root, "rotten/blobs/sha256", digest.slice(0, 2), digest);
    await rot(inBackup(sha256), 1000);
    const verified = await cluster.jobctl(["backup", "verify", "rotten"]);
    assert.equal(verified.exitCode, 1);
    assert.match(verified.stdout, new RegExp(`${sha256} does not have the SHA-256`));
    const call = ["restore", "rotten/latest", "--json"];
    const tried = await cluster.jobctl([...call, "--data", "tried", "--dry-run"]);
    assert.equal(tried.exitCode, 110, tried.stdout);
    const back = await cluster.jobctl([...call, "--data", "parts"]);
    assert.equal(back.exitCode, 110, back.stdout);
    for (const [answer, jobs] of [
      [tried, []],
      [back, [{ jobId: id, kind: "result" }]],
    ] as const) {
      const { damaged = [] } = outputSchema.parse(JSON.parse(answer.stdout)) as Restored;
      assert.deepEqual(
        damaged.map((blob) => [blob.sha256, blob.jobs]),
        [[sha256, jobs]],
      );
    }
    assert.match(back.stderr, new RegExp(`not restored: the result of job ${id} `));
    const blobs = await readdir(join(cluster.root, "parts/blobs/sha256"), { recursive: true });
    const names = blobs.map((name) => basename(name));
    assert.ok(names.includes(intact?.sha256 ?? ""));
    assert.ok(!names.includes(sha256));
    shows(t, "damage-is-noticed", {
      what: "a backup with a file that has rotted, restored",
      times: 1,
    });
  });

  it("is put back from a backup while the server runs, and forgotten", async (t) => {
    const { id, sha256 } = await runLarge();
    const other = await cluster.job(await cluster.submitScript("echo other\n", "--wait"));
    await cluster.ok(["backup", "good"]);
    const path = cluster.blobPath(sha256);
    await rot(path, 0);
    await cluster.jobctl(["gc", "--verify"]);
    const isKnown = async (): Promise<boolean> => {
      const { items } = (await (await cluster.request("/v1/admin/damage")).json()) as DamageList;
      return items.some((item) => item.sha256 === sha256);
    };
    assert.ok(await isKnown());
    const call = ["restore", "good/latest", "--data", cluster.dataPath, "--blob", sha256];
    await cluster.ok([...call, "--dry-run"]);
    assert.equal((await cluster.jobctl(["download", String(id), "-o", "before"])).exitCode, 1);
    const answer: unknown = JSON.parse(await cluster.ok([...call, "--json"]));
    const restored = outputSchema.parse(answer) as RestoredBlobs;
    const { size } = await stat(path);
    assert.deepEqual(restored.items, [{ sha256, sizeBytes: size }]);
    await cluster.ok(["download", String(id), "-o", "after"]);
    await waitUntil("the damage is forgotten", async () => !(await isKnown()));
    const [mine, others] = await Promise.all(
      [path, cluster.blobPath(other.result?.sha256 ?? "")].map((file) => stat(file)),
    );
    assert.deepEqual([mine?.mode, mine?.uid, mine?.gid], [others?.mode, others?.uid, others?.gid]);
    assert.deepEqual(await cluster.temporaryFiles(), []);
    shows(t, "damage-is-noticed", {
      what: "a file that has rotted, put back from a backup under the running server",
      times: 1,
    });
  });

  it("is not replaced by what is no better", async () => {
    const { sha256 } = await runLarge();
    await cluster.ok(["backup", "bad"]);
    const stored = cluster.blobPath(sha256);
    const stays = await readFile(stored);
    await rot(join(cluster.root, "bad/blobs/sha256", sha256.slice(0, 2), sha256), -1);
    const put = (digest: string, data: string, ...more: string[]): Promise<CliResult> =>
      cluster.jobctl(["restore", "bad/latest", "--data", data, "--blob", digest, ...more]);
    const damaged = await put(sha256, cluster.dataPath);
    assert.equal(damaged.exitCode, 1);
    assert.match(damaged.stderr, /is damaged: its SHA-256 is/);
    assert.ok(stays.equals(await readFile(stored)));
    assert.deepEqual(await cluster.temporaryFiles(), []);
    assert.equal((await put("f".repeat(64), cluster.dataPath)).exitCode, 102);
    assert.equal((await put("../../x", cluster.dataPath)).exitCode, 2);
    assert.equal((await put(sha256, cluster.dataPath, "--force", "--yes")).exitCode, 2);
    const elsewhere = await put(sha256, cluster.root);
    assert.match(elsewhere.stderr, /is no data directory of a server/);
  });

  it("is not held against what is restored from a backup that has a good copy", async () => {
    const { sha256 } = await runLarge();
    await cluster.ok(["backup", "good"]);
    const lost = await runLarge();
    for (const one of [sha256, lost.sha256]) await rot(cluster.blobPath(one), -1000);
    await cluster.jobctl(["gc", "--verify"]);
    assert.equal((await cluster.jobctl(["backup", "good"])).exitCode, 110);
    for (const one of [sha256, lost.sha256]) await rot(cluster.blobPath(one), -1000);
    // What the backup lacks is left out.
    const back = await cluster.jobctl(["restore", "good/latest", "--data", "restored"]);
    assert.equal(back.exitCode, 110, back.stderr);
    const restored = await cluster.startStandby({
      JOBCTL_DATA_PATH: join(cluster.root, "restored"),
      JOBCTL_AGENTS: "",
    });
    try {
      const answer = await fetch(`${restored.url}/v1/admin/damage`, {
        headers: cluster.authorization,
      });
      const { items } = (await answer.json()) as DamageList;
      // The backup has no copy of the other one.
      assert.deepEqual(
        items.map((item) => item.sha256),
        [lost.sha256],
      );
      const health = (await (await fetch(`${restored.url}/health`)).json()) as Health;
      assert.equal(
        health.checks["blobs"]?.message,
        "archives or results: 1 damaged or unreadable, 0 missing",
      );
    } finally {
      await restored.end("SIGTERM");
      await cluster.jobctl(["gc", "--verify"]);
    }
  });

  it("is named by gc --verify and doctor, once in the log, and forgotten when it is right again", async (t) => {
    const { id, sha256 } = await runLarge();
    const path = cluster.blobPath(sha256);
    const metric = async (): Promise<number> =>
      Number(/^jobctl_blobs_damaged (\d+)$/m.exec(await metrics(cluster))?.[1]);
    // What is right again is forgotten when it is read through.
    await cluster.ok(["gc", "--verify"]);
    const atFirst = await metric();
    assert.ok(atFirst >= 0);
    await rot(path, 0);
    const report = async (): Promise<{ exitCode: number; jobs: number[] }> => {
      const { exitCode, stdout } = await cluster.jobctl(["gc", "--verify", "--json"]);
      const { verified, damaged } = JSON.parse(stdout) as GcReport;
      assert.ok((verified?.count ?? 0) >= 2);
      const jobs = damaged.flatMap((blob) => blob.jobs.map(({ jobId }) => jobId));
      return { exitCode, jobs };
    };
    const found = await report();
    assert.equal(found.exitCode, 1);
    assert.ok(found.jobs.includes(id));
    const { input, result } = JSON.parse(await cluster.ok(["status", String(id), "--json"])) as Job;
    assert.equal(input.damage, null);
    assert.match(result?.damage ?? "", /^its SHA-256 is [0-9a-f]{64}$/);
    assert.match(
      await cluster.ok(["status", String(id)]),
      new RegExp(`^Result .*${sha256} {2}damaged: its SHA-256 is`, "m"),
    );
    assert.equal(await metric(), atFirst + 1);
    const doctor = await cluster.jobctl(["doctor"]);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, new RegExp(`the result of job ${id}: ${sha256} is damaged`));
    assert.match(doctor.stdout, /jobctl restore BACKUP\/latest --data DIR --blob [0-9a-f]{64}/);
    // It is known after a restart as well.
    await cluster.server.end("SIGKILL");
    await cluster.startServer();
    assert.equal(await metric(), atFirst + 1);
    await report();
    const log = await readFile(join(cluster.root, "server.log"), "utf8");
    const lines = log.split("\n").filter((line) => line.includes('"event":"blob_damaged"'));
    assert.equal(lines.filter((line) => line.includes(sha256)).length, 1);
    await rot(path, 0);
    assert.ok(!(await report()).jobs.includes(id));
    assert.equal((await cluster.job(id)).result?.damage, null);
    assert.equal(await metric(), atFirst);
    shows(t, "damage-is-noticed", {
      what: "a file that rots under its old time stamps, asked about",
      times: 1,
    });
  });

  it("is found in the background", async (t) => {
    const { id, sha256 } = await runLarge();
    const isKnown = async (): Promise<boolean> => {
      const answer = await cluster.request("/v1/admin/damage");
      const { items } = (await answer.json()) as DamageList;
      return items.some((item) => item.sha256 === sha256 && item.jobs[0]?.jobId === id);
    };
    await cluster.server.end("SIGTERM");
    await cluster.startServer({ JOBCTL_SCRUB_SECONDS: "1" });
    const path = cluster.blobPath(sha256);
    await rot(path, -1);
    await waitUntil("the scrub has found it", isKnown);
    assert.match(await metrics(cluster), /^jobctl_scrub_read_bytes_total [1-9]/m);
    assert.match(await metrics(cluster), /^jobctl_scrub_period_seconds 1$/m);
    await rot(path, -1);
    await waitUntil("the scrub has seen that it is right again", async () => !(await isKnown()));
    assert.match(await metrics(cluster), /^jobctl_scrub_age_seconds \d/m);
    shows(t, "damage-is-noticed", {
      what: "a file that rots under its old time stamps, and nobody asks for",
      times: 1,
    });
  });
});

/** What the server tells Prometheus. */
async function metrics(cluster: Cluster): Promise<string> {
  return (await cluster.request("/metrics")).text();
}

/** Where the content of a file lies in a plain tar archive whose headers are all of one block. */
function contentOf(archive: Buffer, name: string): [number, number] {
  for (let at = 0; at < archive.length;) {
    const sizeBytes = Number.parseInt(archive.toString("latin1", at + 124, at + 135), 8) || 0;
    if (
      archive
        .toString("latin1", at, at + 100)
        .replace(/\0.*$/s, "")
        .replace(/^\.\//, "") === name
    )
      return [at + 512, at + 512 + sizeBytes];
    at += 512 + Math.ceil(sizeBytes / 512) * 512;
  }
  throw new Error(`${name} is not in the archive`);
}
