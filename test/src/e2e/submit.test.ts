import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const LIMIT = 2 * 1024 * 1024;

describe("submit", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      server: { JOBCTL_MAX_UPLOAD_BYTES: String(LIMIT), JOBCTL_MAX_JOB_SECONDS: "3600" },
    });
  });
  after(() => cluster.stop());

  it("prints the bare id in a pipe", async () => {
    const job = await cluster.makeJob({ "run.sh": "true\n" });
    const { stdout, stderr } = await cluster.jobctl(["submit", job]);
    assert.match(stdout, /^\d+\n$/);
    assert.equal(stderr, "");
  });

  it("takes an archive, gzipped or not, with or without a top-level folder", async () => {
    const job = await cluster.makeJob({
      "inner/run.sh": "cat data.txt\n",
      "inner/data.txt": "found it\n",
    });
    await execa("tar", ["-C", job, "-czf", join(cluster.root, "folder.tar.gz"), "inner"]);
    await execa("tar", ["-C", join(job, "inner"), "-cf", join(cluster.root, "plain.tar"), "."]);
    for (const archive of ["folder.tar.gz", "plain.tar"]) {
      const id = (await cluster.ok(["submit", archive, "--wait"])).trim();
      assert.equal(await cluster.ok(["logs", id]), "found it\n");
    }
  });

  it("takes a single script, whatever its name", async () => {
    const job = await cluster.makeJob({ "count.sh": "echo one two\n" });
    const id = (await cluster.ok(["submit", join(job, "count.sh"), "--wait"])).trim();
    assert.equal(await cluster.ok(["logs", id]), "one two\n");
    assert.equal((await cluster.job(Number(id))).name, "count");
  });

  it("refuses a directory without run.sh before anything is stored", async () => {
    const job = await cluster.makeJob({ "other.sh": "true\n" });
    const earlier = await contents(cluster);
    const { exitCode, stderr } = await cluster.jobctl(["submit", job]);
    assert.equal(exitCode, 105);
    assert.match(stderr, /has no run\.sh/);
    await execa("tar", ["-C", job, "-cf", join(cluster.root, "empty-handed.tar"), "."]);
    const byArchive = await cluster.jobctl(["submit", "empty-handed.tar"]);
    assert.equal(byArchive.exitCode, 105);
    assert.match(byArchive.stderr, /no run\.sh at its top level/);
    assert.deepEqual(await contents(cluster), earlier);
  });

  it("refuses one byte too many with both sizes, and stores nothing", async (t) => {
    shows(t, "uploads-are-limited");
    const earlier = await contents(cluster);
    const archive = await archiveOfSize(cluster, LIMIT + 1);
    const { exitCode, stderr } = await cluster.jobctl(["submit", archive]);
    assert.equal(exitCode, 105);
    assert.match(stderr, new RegExp(`${LIMIT + 1} bytes.*${LIMIT} bytes`));
    const unannounced = await postArchive(cluster, archive);
    assert.equal(unannounced.status, 413);
    assert.match(await unannounced.text(), new RegExp(`${LIMIT} bytes`));
    assert.deepEqual(await contents(cluster), earlier);
    const fits = await archiveOfSize(cluster, LIMIT);
    assert.equal((await cluster.jobctl(["submit", fits])).exitCode, 0);
  });

  it("makes one job of 20 submits at once with one key", async (t) => {
    const job = await cluster.makeJob({
      "run.sh": "true\n",
      "noise.bin": randomBytes(1000).toString("hex"),
    });
    const calls = Array.from({ length: 20 }, () =>
      cluster.jobctl(["submit", job, "--idempotency-key", "once"]),
    );
    const results = await Promise.all(calls);
    assert.deepEqual([...new Set(results.map(({ exitCode }) => exitCode))], [0]);
    assert.equal(new Set(results.map(({ stdout }) => stdout)).size, 1);
    await contents(cluster);
    shows(t, "one-submit-one-job", { what: "submits at once with one key", times: 20 });
  });

  it("refuses a key that belongs to another job", async () => {
    const [one, two] = [
      await cluster.makeJob({ "run.sh": "echo 1\n" }),
      await cluster.makeJob({ "run.sh": "echo 2\n" }),
    ];
    await cluster.ok(["submit", one, "--idempotency-key", "mine"]);
    const other = await cluster.jobctl(["submit", two, "--idempotency-key", "mine"]);
    assert.equal(other.exitCode, 109);
    assert.match(other.stderr, /belongs to job \d+/);
    const changed = await cluster.jobctl([
      "submit",
      one,
      "--idempotency-key",
      "mine",
      "--name",
      "else",
    ]);
    assert.equal(changed.exitCode, 109);
  });

  it("does not send an archive that the server holds", async () => {
    const job = await cluster.makeJob({
      "run.sh": "true\n",
      "data.bin": randomBytes(500_000).toString("hex"),
    });
    const first = JSON.parse(await cluster.ok(["submit", job, "--json"]));
    const again = JSON.parse(await cluster.ok(["submit", job, "--json"]));
    assert.deepEqual([first.archiveSent, again.archiveSent], [true, false]);
    assert.equal(again.input.sha256, first.input.sha256);
    assert.notEqual(again.id, first.id);
  });

  it("leaves out what the ignore files name, .git, and its own folder", async () => {
    const job = await cluster.makeJob({
      "run.sh": "true\n",
      ".gitignore": "*.log\n/build/\n",
      "a.log": "",
      "build/x": "",
      ".git/config": "",
      ".jobctl/stdout.log": "",
      "sub/.gitignore": "secret.txt\n!keep.log\n",
      "sub/secret.txt": "",
      "sub/keep.log": "",
      "sub/build/y": "",
    });
    const listed = JSON.parse(await cluster.ok(["submit", job, "--dry-run", "--json"]));
    const paths = listed.items.map(({ path }: { path: string }) => path);
    assert.deepEqual(paths, [
      ".gitignore",
      "run.sh",
      "sub",
      "sub/.gitignore",
      "sub/build",
      "sub/build/y",
      "sub/keep.log",
    ]);
    await writeFile(join(job, ".jobctlignore"), "sub\n");
    const own = JSON.parse(await cluster.ok(["submit", job, "--dry-run", "--json"]));
    const ownPaths = own.items.map(({ path }: { path: string }) => path);
    assert.deepEqual(ownPaths, [
      ".gitignore",
      ".jobctlignore",
      "a.log",
      "build",
      "build/x",
      "run.sh",
    ]);
  });

  it("gives the job its variables and nothing of the agent's", async () => {
    const id = String(
      await cluster.submitScript(
        "env\n",
        "--env",
        "GREETING=hello world",
        "--env",
        "EMPTY=",
        "--wait",
      ),
    );
    const names = (await cluster.ok(["logs", id]))
      .trimEnd()
      .split("\n")
      .map((line) => line.split("=")[0]);
    assert.deepEqual(
      names.filter((name) => !["_", "SHLVL", "PWD"].includes(name ?? "")).toSorted(),
      [
        "EMPTY",
        "GREETING",
        "HOME",
        "JOBCTL_ATTEMPT",
        "JOBCTL_JOB_ID",
        "JOBCTL_SERVICE",
        "LANG",
        "PATH",
        "TMPDIR",
      ],
    );
    const reserved = await cluster.jobctl([
      "submit",
      await cluster.makeJob({ "run.sh": "true\n" }),
      "--env",
      "JOBCTL_JOB_ID=1",
    ]);
    assert.equal(reserved.exitCode, 2);
    assert.match(reserved.stderr, /env\.JOBCTL_JOB_ID.*reserved/);
  });

  it("names the option or the field that is wrong", async () => {
    const job = await cluster.makeJob({ "run.sh": "true\n" });
    const cases: [string[], number, RegExp][] = [
      [["--time", "soon"], 2, /"soon" is not a duration/],
      [["--memory", "lots"], 2, /"lots" is not a size/],
      [["--cpus", "0"], 2, /cpus/],
      [["--label", "novalue"], 2, /--label: "novalue"/],
      [["--service", "unknown"], 105, /there is no service "unknown"/],
      [["--time", "2h"], 2, /above this server's 3600 s/],
    ];
    for (const [args, exitCode, message] of cases) {
      const result = await cluster.jobctl(["submit", job, ...args]);
      assert.equal(result.exitCode, exitCode, args.join(" "));
      assert.match(result.stderr, message);
    }
    const missing = await cluster.jobctl(["submit", "no-such-directory"]);
    assert.equal(missing.exitCode, 102);
  });

  it("needs the right token, and says how to give one", async () => {
    const job = await cluster.makeJob({ "run.sh": "true\n" });
    const none = await cluster.jobctl(["submit", job], { env: { JOBCTL_TOKEN_FILE: "" } });
    assert.equal(none.exitCode, 107);
    assert.match(none.stderr, /JOBCTL_TOKEN_FILE/);
    const wrong = await cluster.jobctl(["submit", job], { env: { JOBCTL_TOKEN: "wrong" } });
    assert.equal(wrong.exitCode, 107);
  });

  it("says that a server cannot be reached", async () => {
    const { exitCode, stderr } = await cluster.jobctl(["status"], {
      env: { JOBCTL_SERVER: "http://127.0.0.1:1" },
    });
    assert.equal(exitCode, 108);
    assert.match(stderr, /127\.0\.0\.1:1 cannot be reached/);
  });
});

/** What is stored, once nothing is under way any more. */
async function contents(cluster: Cluster) {
  await waitUntil("every job has ended", async () => {
    const open = ["status", "--state", "queued,dispatched,running,collecting", "--json"];
    return JSON.parse(await cluster.ok(open)).items.length === 0;
  });
  await waitUntil("nothing is being written", async () => {
    return (await cluster.temporaryFiles()).length === 0;
  });
  const { items } = JSON.parse(await cluster.ok(["status", "--json", "--limit", "1000"]));
  return { jobs: items.length, blobs: (await cluster.blobs()).length };
}

/** A valid tar archive of exactly this many bytes: a tar may be padded with zeros at its end. */
async function archiveOfSize(cluster: Cluster, sizeBytes: number): Promise<string> {
  const job = await cluster.makeJob({
    "run.sh": `true # ${createHash("sha256").update(String(sizeBytes)).digest("hex")}\n`,
  });
  const path = join(cluster.root, `sized-${sizeBytes}.tar`);
  await execa("tar", ["-C", job, "-cf", path, "."]);
  await execa("truncate", ["-s", String(sizeBytes), path]);
  assert.equal((await stat(path)).size, sizeBytes);
  return path;
}

async function postArchive(cluster: Cluster, path: string): Promise<Response> {
  const form = new FormData();
  form.append("job", "{}");
  form.append("archive", await openAsBlob(path), "job.tar");
  return cluster.request("/v1/jobs", { method: "POST", body: form });
}
