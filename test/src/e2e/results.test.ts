import assert from "node:assert/strict";
import { lstat, readFile, readdir, readlink, symlink, chmod, link } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { waitUntil } from "../support/wait-until.js";

const TREE = fileURLToPath(new URL("../../../examples/tree", import.meta.url));

describe("results", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  it("come back byte for byte, with modes, links and what the job has added", async () => {
    const id = (await cluster.ok(["submit", TREE])).trim();
    await cluster.ok(["wait", id]);
    await cluster.ok(["download", id, "-o", "out"]);
    const out = join(cluster.root, "out");
    await assertSameTree(TREE, out);
    assert.equal(await readFile(join(out, "results/tool.txt"), "utf8"), "the tool runs\n");
    assert.equal(await readlink(join(out, "results/input")), "../data/values.txt");
    const report = JSON.parse(await readFile(join(out, ".jobctl/report.json"), "utf8"));
    assert.equal(report.outcome.reason, "exited");
    assert.equal(await readFile(join(out, ".jobctl/stdout.log"), "utf8"), "the tree is complete\n");
  });

  it("keep unusual permissions, hard links and executable bits", async () => {
    const job = await cluster.makeJob({
      "run.sh": "true\n",
      "private.txt": "p",
      "open.txt": "o",
      "a.txt": "same",
    });
    await chmod(join(job, "private.txt"), 0o600);
    await chmod(join(job, "open.txt"), 0o666);
    await link(join(job, "a.txt"), join(job, "b.txt"));
    await symlink("a.txt", join(job, "to-a"));
    const id = (await cluster.ok(["submit", job, "--wait", "-q", "--download", "kept"])).trim();
    assert.match(id, /^\d+$/);
    await assertSameTree(job, join(cluster.root, "kept"));
  });

  it("of a job that fails are there as well, with its exit code", async () => {
    const job = await cluster.makeJob({
      "run.sh": "echo out; echo err >&2; echo half > half.txt; exit 7\n",
    });
    const { exitCode, stdout } = await cluster.jobctl(["submit", "--wait", job]);
    assert.equal(exitCode, 7);
    const id = stdout.trim();
    await cluster.ok(["download", id, "-o", "failed"]);
    assert.equal(await readFile(join(cluster.root, "failed/half.txt"), "utf8"), "half\n");
    const logs = await cluster.jobctl(["logs", id]);
    assert.deepEqual([logs.stdout, logs.stderr], ["out\n", "err\n"]);
  });

  it("of a job that kills itself carry the signal", async () => {
    const job = await cluster.makeJob({ "run.sh": "kill -SEGV $$\n" });
    const { exitCode, stdout } = await cluster.jobctl(["submit", "--wait", "--json", job]);
    assert.equal(exitCode, 128 + 11);
    const { outcome, status } = JSON.parse(stdout);
    assert.deepEqual([status, outcome.reason, outcome.signal], ["failed", "signaled", "SIGSEGV"]);
  });

  it("of a job over its time limit are kept", async () => {
    const job = await cluster.makeJob({ "run.sh": "echo before > before.txt; sleep 60\n" });
    const { exitCode, stdout } = await cluster.jobctl([
      "submit",
      "--wait",
      "--time",
      "2s",
      "--json",
      job,
    ]);
    assert.equal(exitCode, 104);
    const { id, status } = JSON.parse(stdout);
    assert.equal(status, "timed_out");
    await cluster.ok(["download", String(id), "-o", "late"]);
    assert.equal(await readFile(join(cluster.root, "late/before.txt"), "utf8"), "before\n");
  });

  it("are only what --output asks for, and the logs", async () => {
    const job = await cluster.makeJob({
      "run.sh": "mkdir -p o/p; echo 1 > o/p/x.dat; echo 2 > o/y.tmp\n",
    });
    await cluster.ok(["submit", job, "--output", "o/**/*.dat", "--download", "some"]);
    const found = await readdir(join(cluster.root, "some"), { recursive: true });
    assert.deepEqual(found.toSorted(), [
      ".jobctl",
      ".jobctl/report.json",
      ".jobctl/stderr.log",
      ".jobctl/stdout.log",
      "o",
      "o/p",
      "o/p/x.dat",
    ]);
  });

  it("leave out what could not be unpacked safely, and say so", async () => {
    const script =
      "ln -s /etc/passwd outside; mkfifo pipe; mkdir .jobctl; echo mine > .jobctl/report.json\n";
    const id = await cluster.submitScript(script, "--wait");
    await cluster.ok(["download", String(id), "-o", "safe"]);
    const found = await readdir(join(cluster.root, "safe"));
    assert.deepEqual(found.toSorted(), [".jobctl", "run.sh"]);
    const report = JSON.parse(
      await readFile(join(cluster.root, "safe/.jobctl/report.json"), "utf8"),
    );
    assert.deepEqual(
      report.skipped.map(({ path }: { path: string }) => path),
      [".jobctl", "outside", "pipe"],
    );
  });

  it("survive a job that takes its own permissions away", async () => {
    const id = await cluster.submitScript("mkdir d; echo x > d/f; chmod 000 d/f d\n", "--wait");
    assert.equal((await cluster.job(id)).status, "completed");
    await cluster.ok(["download", String(id), "-o", "locked"]);
    assert.ok((await lstat(join(cluster.root, "locked/d/f"))).isFile());
  });

  it("are never written over without --force", async () => {
    const id = String(await cluster.submitScript("echo new > file.txt\n", "--wait"));
    await cluster.ok(["download", id, "-o", "twice"]);
    const refused = await cluster.jobctl(["download", id, "-o", "twice"]);
    assert.equal(refused.exitCode, 109);
    assert.match(refused.stderr, /exists already/);
    await cluster.ok(["download", id, "-o", "twice", "--force"]);
    assert.deepEqual(
      (await readdir(cluster.root)).filter((name) => name.startsWith(".jobctl-download")),
      [],
    );
  });

  it("can be fetched as one archive, and file by file", async () => {
    const id = String(
      await cluster.submitScript(
        "mkdir -p a/b; echo deep > 'a/b/ü c.txt'; echo top > t.txt\n",
        "--wait",
      ),
    );
    await cluster.ok(["download", id, "--archive", "job.tar"]);
    const job = await cluster.job(Number(id));
    assert.equal((await lstat(join(cluster.root, "job.tar"))).size, job.result?.sizeBytes);
    await cluster.ok(["download", id, "-o", "picked", "--path", "a/**/*.txt"]);
    assert.deepEqual(await readdir(join(cluster.root, "picked"), { recursive: true }), [
      "a",
      "a/b",
      "a/b/ü c.txt",
    ]);
    const none = await cluster.jobctl(["download", id, "--path", "nothing*"]);
    assert.equal(none.exitCode, 102);
  });

  it("serve ranges, and the digest as ETag", async () => {
    const id = await cluster.submitScript("true\n", "--wait");
    const job = await cluster.job(id);
    const whole = await cluster.request(`/v1/jobs/${id}/result`);
    assert.equal(whole.headers.get("etag"), `"${job.result?.sha256}"`);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const part = await cluster.request(`/v1/jobs/${id}/result`, {
      headers: { range: "bytes=512-1023" },
    });
    assert.equal(part.status, 206);
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(512, 1024));
    const beyond = await cluster.request(`/v1/jobs/${id}/result`, {
      headers: { range: "bytes=99999999-" },
    });
    assert.equal(beyond.status, 416);
    const same = await cluster.request(`/v1/jobs/${id}/result`, {
      headers: { "if-none-match": `"${job.result?.sha256}"` },
    });
    assert.equal(same.status, 304);
  });

  it("of a running job can be looked at", async () => {
    const id = await cluster.submitScript("echo so far > so-far.txt; sleep 60\n");
    await waitUntil("the job runs", async () => (await cluster.job(id)).status === "running");
    const early = await cluster.jobctl(["download", String(id)]);
    assert.equal(early.exitCode, 109);
    await waitUntil("its file is there", async () => {
      await cluster.ok(["download", String(id), "--partial", "-o", "partial", "--force"]);
      return (await readdir(join(cluster.root, "partial"))).includes("so-far.txt");
    });
    await cluster.ok(["cancel", String(id), "--wait"]);
  });

  it("tell what the job has used", async () => {
    const id = await cluster.submitScript(
      "(ulimit -t 1; awk 'BEGIN { while (1) x++ }'); sleep 1.5; true\n",
      "--wait",
    );
    const { usage } = await cluster.job(id);
    assert.ok((usage?.wallSeconds ?? 0) > 2, `wall ${usage?.wallSeconds}`);
    assert.ok((usage?.cpuSeconds ?? 0) > 0.5, `cpu ${usage?.cpuSeconds}`);
    assert.ok((usage?.maxRssBytes ?? 0) > 1_000_000, `memory ${usage?.maxRssBytes}`);
  });
});

/** Everything in one tree is in the other, with the same type, mode, content and target. */
async function assertSameTree(expected: string, actual: string): Promise<void> {
  for (const path of await readdir(expected, { recursive: true })) {
    const [a, b] = await Promise.all([lstat(join(expected, path)), lstat(join(actual, path))]);
    assert.equal(b.mode, a.mode, path);
    if (a.isSymbolicLink()) {
      assert.equal(await readlink(join(actual, path)), await readlink(join(expected, path)), path);
    } else if (a.isFile()) {
      assert.deepEqual(
        await readFile(join(actual, path)),
        await readFile(join(expected, path)),
        path,
      );
      assert.equal(b.nlink, a.nlink, path);
    }
  }
}
