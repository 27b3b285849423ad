import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Job, VacuumReport } from "@jobctl/protocol";
import Database from "better-sqlite3";
import { execa } from "execa";

import { AGENT_TOKEN, Cluster } from "../support/cluster.js";
import { DaemonProcess } from "../support/daemon-process.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { IdleConnections } from "../support/idle-connections.js";
import { insertOldJobs } from "../support/insert-jobs.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { tarArchive } from "../support/tar-bytes.js";
import { DiskImage, SmallVolume, canMount } from "../support/volumes.js";
import { waitUntil } from "../support/wait-until.js";

const MEBIBYTE = 1024 ** 2;
const POWER_LOSSES = 30;
const MIGRATIONS = new URL("../../../packages/server/migrations/", import.meta.url);
/** Of a database that lacks several migrations. */
const OLD_SCHEMA_VERSION = 5;

describe("a data volume that is full", { skip: unless("mounting", canMount) }, () => {
  let small: SmallVolume;
  let root: string;
  let volume: string;
  let cluster: Cluster;
  beforeEach(async () => {
    small = await SmallVolume.mount(64 * MEBIBYTE);
    [root, volume] = [small.root, small.path];
    cluster = await Cluster.start({
      server: { JOBCTL_DATA_PATH: join(volume, "data"), JOBCTL_MIN_FREE_BYTES: "0" },
    });
  });
  afterEach(async () => {
    try {
      await stopWithoutLeftovers(cluster);
    } finally {
      await small.remove();
    }
  });

  it("refuses new jobs with 507, finishes running ones once there is space, loses nothing", async (t) => {
    shows(t, "full-disks-lose-nothing");
    const before = await cluster.submitScript("echo before\n", "--wait");
    const running = await cluster.submitScript(
      `until [ -e ${root}/go ]; do sleep 0.05; done; head -c ${4 * MEBIBYTE} /dev/urandom > big\n`,
    );
    await waitUntil("it runs", async () => (await cluster.job(running)).status === "running");
    await fill(volume);
    const refused = await cluster.request("/v1/jobs", upload(200_000));
    assert.equal(refused.status, 507);
    const { error } = (await refused.json()) as { error: { code: string } };
    assert.equal(error.code, "storage_full");
    assert.deepEqual(await readdir(join(volume, "data/tmp")), []);
    await writeFile(join(root, "go"), "");
    await waitUntil("it is to be collected, and cannot be", async () =>
      /"event":"(collect_failed|report_not_stored)"/.test(
        await readFile(join(cluster.root, "server.log"), "utf8"),
      ),
    );
    assert.equal((await fetch(`${cluster.server.url}/live`)).status, 200);
    await rm(join(volume, "filler"));
    await cluster.ok(["wait", String(running)]);
    const after = await cluster.submitScript("echo after\n", "--wait");
    for (const id of [before, running, after])
      assert.equal((await cluster.job(id)).status, "completed");
    assert.equal(await cluster.ok(["logs", String(before)]), "before\n");
    const db = new Database(join(volume, "data/jobctl.db"), { readonly: true });
    assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
    db.close();
  });

  it("still starts: lists, downloads and cleans up, and goes on once there is space", async () => {
    const id = await cluster.submitScript("echo kept; echo kept > result.txt\n", "--wait");
    const waiting = await cluster.submitScript("true\n", "--cpus", "99");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await cluster.server.end(signal);
      const orphan = join(volume, "data/blobs/sha256/ab");
      await mkdir(orphan, { recursive: true });
      await writeFile(join(orphan, "ab".repeat(32)), randomBytes(100_000));
      await fill(volume, 1);
      await cluster.startServer();
      assert.equal((await cluster.job(id)).status, "completed");
      assert.equal(await cluster.ok(["logs", String(id)]), "kept\n");
      await cluster.ok(["download", String(id), "-o", signal]);
      const ready = await fetch(`${cluster.server.url}/ready`);
      // The log that a killed server leaves is written into the database: then there is space for a lease.
      if (signal === "SIGTERM" || ready.status !== 200) {
        assert.equal(ready.status, 503);
        assert.match(await ready.text(), /the lease cannot be stored, so no agent is given work/);
        const doctor = await cluster.jobctl(["doctor", "--json"]);
        const { items } = JSON.parse(doctor.stdout) as {
          items: { check: string; hint: string | null }[];
        };
        const agent = items.find(({ check }) => check.startsWith("agent "));
        assert.match(agent?.hint ?? "", /The server has not called it yet/);
      }
      assert.equal((await cluster.request("/v1/jobs", upload(200_000))).status, 507);
      await cluster.ok(["vacuum", "--older-than", "1d", "--yes"]);
      assert.match(await cluster.ok(["gc"]), /^removed 1 blob/);
      await rm(join(volume, "filler"));
      await cluster.submitScript("echo after\n", "--wait");
    }
    await cluster.ok(["cancel", String(waiting)]);
  });

  it("is made smaller by a vacuum, again and again, also after a restart", async () => {
    const kept = await cluster.submitScript("echo kept\n", "--wait");
    const { input } = await cluster.job(kept);
    for (const signal of ["SIGTERM", "SIGKILL", null] as const) {
      await cluster.server.end("SIGTERM");
      insertOldJobs(cluster, 10_000, input);
      await cluster.startServer();
      await hasReserve(volume);
      if (signal !== null) {
        await cluster.server.end(signal);
        await fill(volume, 1);
        await cluster.startServer();
      } else await fill(volume, 1);
      const call = ["vacuum", "--older-than", "3650d", "--yes", "--json"];
      const report = JSON.parse(await cluster.ok(call)) as VacuumReport;
      assert.equal(report.jobsRemoved, 10_000);
      assert.ok(report.bytesAfter < report.bytesBefore / 4, JSON.stringify(report));
      await hasReserve(volume);
      assert.equal(await cluster.ok(["logs", String(kept)]), "kept\n");
      // Nothing is left to remove: the reserve is as large as before all the same.
      await fill(volume, 1);
      await cluster.ok(["vacuum", "--yes"]);
      await hasReserve(volume);
      await rm(join(volume, "filler"));
    }
    await cluster.submitScript("echo after\n", "--wait");
  });

  it("says what a vacuum needs where there was never space for a reserve", async () => {
    await cluster.server.end("SIGTERM");
    await rm(reserveOf(volume), { force: true });
    await fill(volume, 1);
    await cluster.startServer();
    const vacuum = await cluster.jobctl(["vacuum", "--older-than", "0s", "--yes"]);
    assert.equal(vacuum.exitCode, 108);
    assert.match(vacuum.stderr, /bytes left, and a vacuum needs 8388608\n {2}Nothing was changed/);
    await rm(join(volume, "filler"));
  });

  it("refuses to bring its database up to date, and leaves it as it was", async () => {
    await cluster.server.end("SIGTERM");
    const path = join(volume, "data/jobctl.db");
    const version = (): unknown => {
      const db = new Database(path, { readonly: true });
      try {
        return db.pragma("user_version", { simple: true });
      } finally {
        db.close();
      }
    };
    const current = version();
    // As a version of that time has left it: without a note of an installation.
    await rm(join(volume, "data/installation.json"));
    await makeDatabase(path, OLD_SCHEMA_VERSION);
    await fill(volume, 1);
    await assert.rejects(cluster.startServer(), /the volume of the database .* is full/);
    await rm(join(volume, "filler"));
    assert.equal(version(), OLD_SCHEMA_VERSION);
    await cluster.startServer();
    assert.equal(version(), current);
  });
});

describe(
  "a disk that is full beside the command line",
  { skip: unless("mounting", canMount) },
  () => {
    it("is named, with what to do, and what was there before stays whole", async (t) => {
      shows(t, "full-disks-lose-nothing");
      const small = await SmallVolume.mount(8 * MEBIBYTE);
      const volume = small.path;
      const cluster = await Cluster.start();
      try {
        const target = join(volume, "backup");
        await cluster.submitScript("true\n", "--wait");
        await cluster.ok(["backup", target]);
        const large = await cluster.makeJob({ "run.sh": "true\n" });
        await writeFile(join(large, "data.bin"), randomBytes(16 * MEBIBYTE));
        const id = (await cluster.ok(["submit", large, "--wait"])).trim();
        for (const call of [
          ["backup", target],
          ["download", id, "-o", join(volume, "out")],
          ["download", id, "--archive", join(volume, "out.tar")],
        ]) {
          const { exitCode, stderr } = await cluster.jobctl(call);
          assert.equal(exitCode, 1);
          assert.match(
            stderr,
            new RegExp(`jobctl: ${volume}/.*: there is no space left\\n  Free some`),
          );
        }
        assert.deepEqual(await readdir(volume), ["backup"]);
        await cluster.ok(["backup", "verify", target]);
      } finally {
        await stopWithoutLeftovers(cluster).finally(() => small.remove());
      }
    });
  },
);

describe("a volume that runs out of inodes", { skip: unless("mounting", canMount) }, () => {
  it("refuses new jobs and says so, on the server and on the agent", async () => {
    const small = await SmallVolume.mount(64 * MEBIBYTE, 2000);
    const cluster = await Cluster.start({
      server: { JOBCTL_DATA_PATH: join(small.path, "server") },
      agent: { JOBCTL_AGENT_DATA_PATH: join(small.path, "agent") },
    });
    try {
      await cluster.submitScript("true\n", "--wait");
      const many = join(small.path, "many");
      await mkdir(many);
      for (let n = 0; (await statfs(small.path)).ffree > 10; n += 1)
        await writeFile(join(many, `${n}`), "");
      assert.match(await (await fetch(`${cluster.server.url}/ready`)).text(), /\d+ inodes left/);
      assert.equal((await fetch(`${cluster.server.url}/ready`)).status, 503);
      const agent = await fetch(`${cluster.agents[0]?.url}/health`);
      assert.match(await agent.text(), /and only \d+ inodes/);
      const refused = await cluster.request("/v1/jobs", upload(1000));
      assert.equal(refused.status, 507);
      assert.match(await refused.text(), /can hold no more files/);
      await rm(many, { recursive: true });
      await cluster.submitScript("echo after\n", "--wait");
    } finally {
      await cluster.stop();
      await small.remove();
    }
  });
});

describe("an agent whose disk is full", { skip: unless("mounting", canMount) }, () => {
  let small: SmallVolume;
  let root: string;
  let volume: string;
  let cluster: Cluster;
  beforeEach(async () => {
    small = await SmallVolume.mount(16 * MEBIBYTE);
    [root, volume] = [small.root, small.path];
    cluster = await Cluster.start({
      agents: 2,
      agent: (n) => (n === 1 ? { JOBCTL_AGENT_DATA_PATH: join(volume, "data") } : {}),
    });
    await waitUntil("both are ready", async () => {
      const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
        items: { state: string }[];
      };
      return items.every(({ state }) => state === "ready");
    });
  });
  afterEach(async () => {
    try {
      await stopWithoutLeftovers(cluster);
    } finally {
      await small.remove();
    }
  });
  const logged = async (event: string): Promise<boolean> =>
    (await readFile(join(cluster.root, "agent-1.log"), "utf8")).includes(`"event":"${event}"`);

  it("cannot be enrolled, says what is full, and can be once there is space", async () => {
    await cluster.startAgent(3, { JOBCTL_AGENT_DATA_PATH: join(volume, "third") });
    const url = cluster.agents[2]?.url ?? "";
    await fill(volume);
    const { exitCode, stderr } = await cluster.jobctl(["agents", "add", url]);
    assert.equal(exitCode, 108);
    assert.match(stderr, /agent agent-3 cannot store which installation it serves: ENOSPC/);
    assert.match(stderr, /Make room on the volume of its JOBCTL_AGENT_DATA_PATH/);
    const log = await readFile(join(cluster.root, "agent-3.log"), "utf8");
    assert.ok(log.includes(join(volume, "third/identity.json")), log);
    await rm(join(volume, "filler"));
    await cluster.ok(["agents", "add", url]);
  });

  it("takes nothing new, another one does, and no job fails for it", async (t) => {
    shows(t, "full-disks-lose-nothing");
    await fill(volume);
    const ids = await Promise.all([1, 2, 3, 4].map(() => cluster.submitScript("sleep 0.2\n")));
    await cluster.ok(["wait", ...ids.map(String)]);
    for (const id of ids) {
      const { status, agent } = await cluster.job(id);
      assert.deepEqual([status, agent], ["completed", "agent-2"]);
    }
    assert.ok(await logged("attempt_not_stored"));
    await cluster.ok(["agents", "drain", "agent-2"]);
    const waiting = await cluster.submitScript("true\n");
    await waitUntil("it is refused", async () =>
      /cannot store attempt/.test(await cluster.ok(["events", String(waiting)])),
    );
    assert.equal((await cluster.job(waiting)).status, "queued");
    await rm(join(volume, "filler"));
    await cluster.ok(["wait", String(waiting)]);
    assert.equal((await cluster.job(waiting)).agent, "agent-1");
  });

  it("keeps the output and the results of what it runs until there is space", async (t) => {
    shows(t, "full-disks-lose-nothing");
    shows(t, "results-are-kept-until-stored");
    await cluster.ok(["agents", "drain", "agent-2"]);
    const id = await cluster.submitScript(
      `until [ -e ${root}/go ]; do sleep 0.05; done; seq 1 200000; echo done > result.txt || true\n`,
    );
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    await fill(volume);
    await writeFile(join(root, "go"), "");
    await waitUntil("its output waits", () => logged("log_waits"));
    const { pid } = cluster.agents[0] ?? { pid: 0 };
    await rm(join(volume, "filler"));
    await cluster.ok(["wait", String(id)]);
    const { stdout } = await cluster.jobctl(["logs", String(id)]);
    assert.equal(stdout, Array.from({ length: 200_000 }, (_, n) => `${n + 1}\n`).join(""));
    const job = await cluster.job(id);
    assert.deepEqual([job.status, job.attempt], ["completed", 1]);

    const packed = await cluster.submitScript(
      `head -c ${4 * MEBIBYTE} /dev/urandom > big; until [ -e ${root}/go-on ]; do sleep 0.05; done\n`,
    );
    await waitUntil("it runs", async () => (await cluster.job(packed)).status === "running");
    await fill(volume);
    await writeFile(join(root, "go-on"), "");
    await waitUntil("its results wait", () => logged("collect_waits"));
    await rm(join(volume, "filler"));
    await cluster.ok(["wait", String(packed)]);
    assert.equal((await cluster.job(packed)).status, "completed");
    await cluster.ok(["download", String(packed), "-o", "packed"]);
    assert.equal((await readFile(join(cluster.root, "packed/big"))).length, 4 * MEBIBYTE);
    assert.equal(cluster.agents[0]?.pid, pid);
    assert.equal(cluster.agents[0]?.child.exitCode, null);
  });
});

describe("a daemon whose log is on a full disk", { skip: unless("mounting", canMount) }, () => {
  it("works, and logs again when there is space", async () => {
    const small = await SmallVolume.mount(MEBIBYTE);
    const log = join(small.path, "agent.log");
    try {
      await fill(small.path);
      const settings = {
        ...{ JOBCTL_AGENT_PORT: "0", JOBCTL_AGENT_SANDBOX: "process" },
        ...{ JOBCTL_AGENT_DATA_PATH: join(small.root, "data"), JOBCTL_AGENT_TOKEN: AGENT_TOKEN },
      };
      const agent = await DaemonProcess.start("agent", settings, log);
      try {
        assert.equal((await fetch(`${agent.url}/live`)).status, 200);
        assert.equal(await readFile(log, "utf8"), "");
        await rm(join(small.path, "filler"));
        assert.equal(await agent.end("SIGTERM"), 0);
        assert.match(await readFile(log, "utf8"), /"event":"ready".*"event":"shutdown_finished"/s);
      } finally {
        await agent.end("SIGKILL");
      }
    } finally {
      await small.remove();
    }
  });
});

describe("a server without file descriptors", () => {
  it("refuses for a while, and takes everything when there are some again", async () => {
    const cluster = await Cluster.start();
    const { pid, url } = cluster.server;
    const crowd = new IdleConnections(url, 100);
    try {
      const before = await cluster.submitScript("echo before\n", "--wait");
      const job = await cluster.makeJob({ "run.sh": "echo during\n" });
      // Leaves an idle connection behind, over which the next requests go.
      assert.equal(await (await cluster.request("/live")).text(), '{"status":"ok"}');
      await execa("prlimit", ["--pid", String(pid), "--nofile=64:4096"]);
      await waitUntil("an upload is refused", async () => {
        const answer = await cluster.request("/v1/jobs", {
          method: "POST",
          ...uploadOf(jobArchive("true\n")),
        });
        const text = await answer.text();
        return answer.status === 503 && /the server has no file descriptor left/.test(text);
      });

      const submitting = cluster.spawn(["submit", job]);
      await once(submitting.stderr, "data");
      crowd.close();
      const { exitCode, stdout, stderr } = await submitting;
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /(cannot be reached: .*|has no file descriptor left); trying again in/);
      await cluster.ok(["wait", stdout.trim()]);
      assert.equal(await cluster.ok(["logs", String(before)]), "before\n");
      assert.equal(await cluster.ok(["logs", stdout.trim()]), "during\n");
      assert.deepEqual(await cluster.temporaryFiles(), []);
    } finally {
      crowd.close();
      await stopWithoutLeftovers(cluster);
    }
  });
});

describe("a loss of power", { skip: unless("mounting", canMount) }, () => {
  let root: string;
  let disk: DiskImage;
  let cluster: Cluster;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-power-"));
    disk = await DiskImage.create(join(root, "disk.img"), join(root, "disk"), 256 * MEBIBYTE);
    cluster = await Cluster.start({
      server: { JOBCTL_DATA_PATH: join(disk.mountPoint, "data") },
      agent: { JOBCTL_AGENT_DATA_PATH: join(disk.mountPoint, "agent"), JOBCTL_AGENT_SLOTS: "8" },
    });
  });
  afterEach(async () => {
    try {
      await stopWithoutLeftovers(cluster);
    } finally {
      await disk.detach();
      await rm(root, { recursive: true });
    }
  });

  const assertStarts = async (dataPath: string): Promise<void> => {
    const server = await cluster.startStandby({ JOBCTL_DATA_PATH: dataPath, JOBCTL_AGENTS: "" });
    const answer = await fetch(`${server.url}/v1/jobs`, { headers: cluster.authorization });
    assert.equal(answer.status, 200);
    assert.equal(await server.end("SIGTERM"), 0);
  };

  it(`at ${POWER_LOSSES} instants under load: what was acknowledged is there, digest for digest`, async (t) => {
    const acknowledged: Job[] = [];
    const completed = new Map<number, Job>();
    const over = new AbortController();
    const client = async (number: number): Promise<void> => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        const answer = await cluster.request("/v1/jobs", upload(20_000, `${number}-${n}`));
        assert.equal(answer.status, 201);
        const job = (await answer.json()) as Job;
        acknowledged.push(job);
        const ended = await cluster.request(`/v1/jobs/${job.id}/wait?timeoutSeconds=20`);
        const now = (await ended.json()) as Job;
        if (now.status === "completed") completed.set(now.id, now);
      }
    };
    const clients = [client(1), client(2), client(3)];
    let lastSeen = 0;
    for (let instant = 1; instant <= POWER_LOSSES; instant += 1) {
      await delay(100 + Math.random() * 300);
      const daemons = [cluster.server, ...cluster.agents];
      for (const { child } of daemons) child.kill("SIGSTOP");
      // Answers that have been sent are read before what is known is written down.
      await delay(50);
      const known = [acknowledged.slice(), new Map(completed)] as const;
      const copy = await disk.copyTo(join(root, "copy.img"), join(root, "copy"));
      for (const { child } of daemons) child.kill("SIGCONT");
      try {
        if (instant % 3 === 0) await assertStarts(join(copy.mountPoint, "data"));
        await assertIntact(join(copy.mountPoint, "data"), ...known);
        await assertReadable(join(copy.mountPoint, "agent/attempts"));
      } finally {
        await copy.detach();
      }
      lastSeen = known[0].length;
    }
    over.abort();
    await Promise.all(clients);
    assert.ok(lastSeen > POWER_LOSSES, `${lastSeen} jobs`);
    shows(t, "accepted-is-durable", { what: "losses of power under load", times: POWER_LOSSES });
  });
});

/** A database as a version of jobctl with so many migrations makes it. */
async function makeDatabase(path: string, schemaVersion: number): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
  const db = new Database(path);
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).toSorted();
  db.pragma("auto_vacuum = INCREMENTAL");
  db.pragma("journal_mode = WAL");
  for (const name of names.slice(0, schemaVersion))
    db.unsafeMode(true).exec(await readFile(new URL(name, MIGRATIONS), "utf8"));
  db.pragma(`user_version = ${schemaVersion}`);
  db.close();
}

/** What a server that starts on this directory would find. */
async function assertIntact(
  dataPath: string,
  acknowledged: readonly Job[],
  completed: ReadonlyMap<number, Job>,
): Promise<void> {
  const db = new Database(join(dataPath, "jobctl.db"));
  try {
    assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
    assert.deepEqual(db.pragma("foreign_key_check"), []);
    const select = db.prepare<[number], { status: string; input: string; result: string | null }>(
      "SELECT status, input_sha256 AS input, result_sha256 AS result FROM jobs WHERE id = ?",
    );
    for (const job of acknowledged) {
      const row = select.get(job.id);
      assert.ok(row, `job ${job.id} was acknowledged`);
      await assertBlob(dataPath, row.input);
      const end = completed.get(job.id);
      if (end === undefined) continue;
      assert.deepEqual([row.status, row.result], ["completed", end.result?.sha256]);
      await assertBlob(dataPath, row.result ?? "");
    }
  } finally {
    db.close();
  }
}

async function assertBlob(dataPath: string, sha256: string): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(
    join(dataPath, "blobs/sha256", sha256.slice(0, 2), sha256),
  ))
    hash.update(chunk as Buffer);
  assert.equal(hash.digest("hex"), sha256);
}

/** Every record of an attempt is whole, or not there. */
async function assertReadable(attempts: string): Promise<void> {
  for (const id of await readdir(attempts).catch(() => [])) {
    const record = await readFile(join(attempts, id, "record.json"), "utf8").catch(() => null);
    if (record !== null) assert.equal(JSON.parse(record).spec.id, id);
  }
}

/** Writes until nothing more fits. */
/** @param blockBytes less than this stays free */
async function fill(volume: string, blockBytes = 64 * 1024): Promise<void> {
  const file = await open(join(volume, "filler"), "w");
  const block = Buffer.alloc(64 * 1024);
  try {
    for (;;) await file.write(block);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
  }
  try {
    for (const byte = Buffer.alloc(blockBytes); byte.length < block.length;) await file.write(byte);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
  } finally {
    await file.close();
  }
  assert.ok((await statfs(volume)).bavail * (await statfs(volume)).bsize < block.length);
}

const reserveOf = (volume: string): string => join(volume, "data/jobctl.db.reserve");

/** Waits until the server has put space aside for a vacuum, all of it but for a little. */
async function hasReserve(volume: string): Promise<void> {
  await waitUntil("there is a reserve", async () => {
    const found = await stat(reserveOf(volume)).catch(() => null);
    return found !== null && found.size > 12 * MEBIBYTE && found.blocks * 512 >= found.size;
  });
}

/** A submit of a job of so many bytes that nobody has submitted before. */
function upload(sizeBytes: number, name = "job"): RequestInit {
  const content = createHash("sha256").update(`${name}-${Math.random()}`).digest("hex");
  const archive = tarArchive([
    { path: "run.sh", content: "cp data result.txt\n" },
    { path: "data", content: content.repeat(Math.ceil(sizeBytes / content.length)) },
  ]);
  const form = new FormData();
  form.append("job", JSON.stringify({ name }));
  form.append("archive", new Blob([archive]), "job.tar");
  return { method: "POST", body: form };
}
