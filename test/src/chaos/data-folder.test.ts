import assert from "node:assert/strict";
import { cp, open, readFile, readdir, rename, rm, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import type { Health } from "@jobctl/protocol";
import Database from "better-sqlite3";
import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { DaemonProcess } from "../support/daemon-process.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

describe("a database and a data folder that do not belong together", () => {
  let cluster: Cluster;
  let db: string;
  let id: number;
  beforeEach(async () => {
    cluster = await Cluster.start();
    db = join(cluster.dataPath, "jobctl.db");
    id = await cluster.submitScript("echo kept > result.txt\n", "--wait");
    await cluster.server.end("SIGTERM");
  });
  afterEach(() => cluster.stop());

  const wayOut = /jobctl restore .*jobctl-server --new/s;
  const startFails = async (message: RegExp): Promise<void> => {
    await assert.rejects(cluster.startServer(), message);
    const log = await readFile(join(cluster.root, "server.log"), "utf8");
    assert.match(log.slice(log.lastIndexOf('"event":"start_failed"')), wayOut);
  };

  it("are refused when the database is missing, empty or of another installation", async (t) => {
    shows(t, "database-keeps-its-files");
    const aside = join(cluster.root, "aside.db");
    await rename(db, aside);
    const blobs = await cluster.blobs();
    await startFails(/has no database.*stored files/s);
    await (await open(db, "w")).close();
    await startFails(/has no database/);
    // The note alone tells as much as the blobs do.
    const files = join(cluster.dataPath, "blobs");
    await rename(files, `${files}.aside`);
    await startFails(/has no database.*installation/s);
    const other = await DaemonProcess.start(
      "server",
      {
        JOBCTL_DATA_PATH: join(cluster.root, "other"),
        JOBCTL_ADMIN_TOKEN_FILE: join(cluster.root, "admin.token"),
        JOBCTL_PORT: "0",
        JOBCTL_MIN_FREE_BYTES: "0",
      },
      join(cluster.root, "other.log"),
    );
    await other.end("SIGTERM");
    await cp(join(cluster.root, "other/jobctl.db"), db);
    await startFails(/belongs to installation .* data folder .* belongs to/s);
    await rename(aside, db);
    // As a volume that is not mounted leaves it: the right database alone will not do.
    await startFails(/has no stored files/);
    await rm(files, { recursive: true, force: true });
    await rename(`${files}.aside`, files);
    await cluster.startServer();
    assert.equal((await cluster.job(id)).status, "completed");
    assert.equal(blobs.length, 2);
  });

  it("start as a new server with --new, and what was there is set aside whole", async () => {
    const blobs = await cluster.blobs();
    await rm(db);
    await cluster.startServer({}, ["--new"]);
    assert.deepEqual(await cluster.blobs(), []);
    const [before = ""] = (await readdir(cluster.dataPath)).filter((name) =>
      name.startsWith("before-"),
    );
    const kept = await readdir(join(cluster.dataPath, before), { recursive: true });
    for (const blob of blobs)
      assert.ok(
        kept.some((name) => name.endsWith(blob)),
        blob,
      );
    // It changes nothing where all is well.
    const fresh = await readFile(join(cluster.dataPath, "installation.json"), "utf8");
    await cluster.server.end("SIGTERM");
    await cluster.startServer({}, ["--new"]);
    assert.equal(await readFile(join(cluster.dataPath, "installation.json"), "utf8"), fresh);
  });

  it("lose nothing to gc when an older copy of the database is put in place", async () => {
    const old = join(cluster.root, "old.db");
    await cp(db, old);
    await cluster.startServer();
    for (let n = 0; n < 30; n += 1) await cluster.request("/v1/jobs", scriptUpload(`echo ${n}\n`));
    await waitUntil(
      "all are stored",
      async () =>
        (
          JSON.parse(await cluster.ok(["status", "--json", "--state", "completed"])) as {
            items: unknown[];
          }
        ).items.length === 31,
    );
    const blobs = await cluster.blobs();
    await cluster.server.end("SIGTERM");
    await cp(old, db);
    await cluster.startServer();
    const { exitCode, stderr } = await cluster.jobctl(["gc"]);
    assert.equal(exitCode, 109, stderr);
    assert.match(stderr, /lacks the jobs 2 to 31, .*\n.*jobctl restore.*--force/);
    assert.equal((await cluster.blobs()).length, blobs.length);
    await cluster.ok(["gc", "--force", "--yes"]);
    assert.equal((await cluster.blobs()).length, 2);
  });

  it("say which jobs are lost with a damaged log after a kill, and give out no id again", async () => {
    await cluster.startServer();
    for (let n = 0; n < 3; n += 1) await cluster.submitScript("true\n", "--cpus", "99");
    await cluster.server.end("SIGKILL");
    await truncate(`${db}-wal`, 0);
    await cluster.startServer();
    assert.equal(await cluster.submitScript("true\n", "--cpus", "99"), 5);
    const { checks } = (await (await fetch(`${cluster.server.url}/ready`)).json()) as {
      checks: Record<string, { ok: boolean; message: string }>;
    };
    assert.match(checks["jobs"]?.message ?? "", /has lost the jobs 2 to 4/);
    const blobs = await cluster.blobs();
    assert.equal((await cluster.jobctl(["gc"])).exitCode, 109);
    assert.deepEqual(await cluster.blobs(), blobs);
  });

  it("are told apart by one lock: two servers on one database are never both active", async () => {
    await cluster.startServer();
    const second = {
      JOBCTL_DATA_PATH: join(cluster.root, "second"),
      JOBCTL_DB_PATH: db,
      JOBCTL_AGENTS: "",
    };
    await assert.rejects(
      cluster.startStandby({ ...second, JOBCTL_STANDBY: "false" }),
      /another jobctl server is using the database/,
    );
    const standby = await cluster.startStandby(second);
    try {
      const health = (await (await fetch(`${standby.url}/health`)).json()) as Health;
      assert.equal(health.status, "standby");
      const log = await readFile(join(cluster.root, "server.log"), "utf8");
      assert.match(log, /using the database [^"]*jobctl\.db; this server waits for it to end/);
    } finally {
      await standby.end("SIGTERM");
    }
  });
});

describe("a database that changes under a running server", () => {
  let cluster: Cluster;
  let db: string;
  let id: number;
  beforeEach(async () => {
    cluster = await Cluster.start();
    db = join(cluster.dataPath, "jobctl.db");
    id = await cluster.submitScript("echo kept > result.txt\n", "--wait");
  });
  afterEach(() => cluster.stop());

  const log = () => readFile(join(cluster.root, "server.log"), "utf8");
  const assertNoticed = async (message: RegExp): Promise<void> => {
    const submit = await cluster.request("/v1/jobs", scriptUpload("true\n"));
    assert.equal(submit.status, 503, await submit.text());
    const ready = await fetch(`${cluster.server.url}/ready`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), message);
    const figures = await (await cluster.request("/metrics")).text();
    assert.match(figures, /^jobctl_database_up 0$/m);
    await fetch(`${cluster.server.url}/ready`);
    assert.equal((await log()).match(/"event":"database_lost"/g)?.length, 1);
  };

  /** What `vacuum --check` says of a database that is not sound. */
  const vacuumCheck = async (): Promise<{ code: string; message: string; hint: string }> => {
    const { exitCode, stdout } = await cluster.jobctl(["vacuum", "--check", "--json"]);
    assert.notEqual(exitCode, 0);
    return (JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }).error;
  };

  it("is noticed when it is moved away, and again when it is back", async () => {
    await rename(db, `${db}.away`);
    await assertNoticed(/has been moved or removed/);
    const vacuum = await vacuumCheck();
    assert.equal(vacuum.code, "database_unavailable");
    assert.match(vacuum.message, /jobctl\.db has been moved or removed/);
    assert.match(vacuum.hint, /Put the file back in its place/);
    await rename(`${db}.away`, db);
    assert.match((await cluster.jobctl(["vacuum", "--check"])).stderr, /^the database is sound/);
    assert.equal((await cluster.request("/v1/jobs", scriptUpload("true\n"))).status, 201);
    assert.equal((await fetch(`${cluster.server.url}/ready`)).status, 200);
  });

  it("is noticed by itself, without a request", async () => {
    await rename(db, `${db}.away`);
    await waitUntil("it is logged", async () => /database_lost/.test(await log()), 60_000);
  });

  it("is noticed when it is replaced, truncated, or its log is removed", async (t) => {
    shows(t, "database-keeps-its-files");
    await rename(db, `${db}.away`);
    await cp(`${db}.away`, db);
    await assertNoticed(/has been replaced/);
    await rename(`${db}.away`, db);
    await rename(`${db}-wal`, `${db}-wal.away`);
    assert.match(await (await fetch(`${cluster.server.url}/ready`)).text(), /jobctl.db-wal/);
    await rename(`${db}-wal.away`, `${db}-wal`);
    assert.equal((await fetch(`${cluster.server.url}/ready`)).status, 200);
    await truncate(db, 0);
    assert.match(
      await (await fetch(`${cluster.server.url}/ready`)).text(),
      /has been truncated|is damaged/,
    );
  });

  it("and is damaged says how to restore, while it runs and at the next start", async () => {
    await overwrite(db, 0, 100);
    const ready = await fetch(`${cluster.server.url}/ready`);
    assert.match(await ready.text(), /is damaged/);
    const refused = await cluster.request("/v1/jobs", scriptUpload("true\n"));
    const { error } = (await refused.json()) as { error: { code: string; hint: string } };
    assert.equal(error.code, "database_damaged");
    assert.match(error.hint, /jobctl restore/);
    await cluster.server.end("SIGKILL");
    await rm(`${db}-wal`, { force: true });
    await rm(`${db}-shm`, { force: true });
    await assert.rejects(cluster.startServer(), /is damaged/);
    assert.match(await log(), /"code":"database_damaged","hint":"[^"]*jobctl restore/);
  });

  it("and has a damaged page says how to restore", async () => {
    const { pageSize, root } = rootOf(db, "job_events");
    await cluster.server.end("SIGTERM");
    await overwrite(db, (root - 1) * pageSize, pageSize);
    await cluster.startServer();
    const vacuum = await vacuumCheck();
    assert.equal(vacuum.code, "database_damaged");
    assert.match(vacuum.hint, /restore/);
    const { stdout } = await cluster.jobctl(["events", String(id), "--json"]);
    assert.match(stdout, /"code":\s*"database_damaged".*jobctl restore/s);
    assert.match(await (await fetch(`${cluster.server.url}/ready`)).text(), /damaged/);
    await cluster.server.end("SIGTERM");
    const jobs = rootOf(db, "jobs");
    await overwrite(db, (jobs.root - 1) * pageSize, pageSize);
    await assert.rejects(cluster.startServer(), /is damaged/);
  });
});

describe("two copies of one server", () => {
  it("do not share an agent: the later start keeps it, and the other one says so", async () => {
    const cluster = await Cluster.start();
    let copy: DaemonProcess | null = null;
    try {
      await cluster.submitScript("true\n", "--wait");
      await cluster.server.end("SIGTERM");
      const data = join(cluster.root, "copy");
      await cp(cluster.dataPath, data, { recursive: true, preserveTimestamps: true });
      await cluster.startServer();
      const ready = async (url: string): Promise<string> => (await fetch(`${url}/ready`)).text();
      await waitUntil("the first is ready", async () =>
        /"status":"ok"/.test(await ready(cluster.server.url)),
      );
      copy = await cluster.startStandby({ JOBCTL_DATA_PATH: data });
      const { url } = copy;
      await waitUntil("the copy says so", async () =>
        /another server of (this|the same) installation/.test(await ready(url)),
      );
      assert.equal((await fetch(`${url}/ready`)).status, 503);
      assert.equal((await fetch(`${cluster.server.url}/ready`)).status, 200);
      const running = await cluster.submitScript("true\n", "--wait");
      assert.equal((await cluster.job(running)).status, "completed");
    } finally {
      await copy?.end("SIGTERM");
      await cluster.stop();
    }
  });
});

describe("a path at which the kernel shows its own state", () => {
  it("is refused by server, agent and command line, also through a link", async () => {
    const cluster = await Cluster.start();
    try {
      const id = await cluster.submitScript("echo x > x\n", "--wait");
      await cluster.ok(["backup", join(cluster.root, "backup")]);
      const link = join(cluster.root, "link");
      await symlink("/proc", link);
      for (const [kind, settings] of [
        ["server", { JOBCTL_ADMIN_TOKEN: "t", JOBCTL_DATA_PATH: "/proc/jobctl" }],
        ["server", { JOBCTL_ADMIN_TOKEN: "t", JOBCTL_DB_PATH: "/sys/jobctl/jobctl.db" }],
        ["agent", { JOBCTL_AGENT_TOKEN: "t", JOBCTL_AGENT_DATA_PATH: join(link, "jobctl") }],
      ] as const) {
        const main = fileURLToPath(import.meta.resolve(`@jobctl/${kind}/main`));
        const { exitCode, all } = await execa(process.execPath, [main], {
          ...{ env: settings, all: true, reject: false, cwd: cluster.root },
          ...{ timeout: 60_000, killSignal: "SIGKILL" },
        });
        assert.equal(exitCode, 2, all);
        assert.match(all, /_PATH: .* lies on a (proc|sysfs) file system/);
      }
      for (const call of [
        ["restore", join(cluster.root, "backup/latest"), "--data", "/proc/jobctl"],
        ["backup", "/proc/jobctl"],
        ["download", String(id), "-o", "/proc/jobctl/out"],
        ["download", String(id), "--path", "x", "-o", "/proc/jobctl/out"],
        ["download", String(id), "--archive", "/proc/jobctl/out.tar"],
        ["up", "--data", "/proc/jobctl", "--port", "0"],
      ]) {
        const { exitCode, stderr } = await cluster.jobctl(call, { timeoutMs: 60_000 });
        assert.equal(exitCode, 2, `${call.join(" ")}: ${stderr}`);
        assert.match(stderr, /lies on a proc file system/);
      }
    } finally {
      await cluster.stop();
    }
  });
});

function scriptUpload(script: string): RequestInit {
  const { headers, body } = uploadOf(jobArchive(script));
  return { method: "POST", headers, body: new Uint8Array(body) };
}

function rootOf(path: string, table: string): { pageSize: number; root: number } {
  const db = new Database(path, { readonly: true });
  try {
    return {
      pageSize: Number(db.pragma("page_size", { simple: true })),
      root: Number(
        db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck().get(table),
      ),
    };
  } finally {
    db.close();
  }
}

async function overwrite(path: string, offset: number, length: number): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(length, 0xa5), 0, length, offset);
  await file.close();
}
