import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, it } from "node:test";

import { execa } from "execa";

import { findProcesses } from "../support/processes.js";
import { waitUntil } from "../support/wait-until.js";

const CLI = fileURLToPath(import.meta.resolve("@jobctl/cli/main"));

describe("jobctl up", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-up-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const jobctl = (...args: string[]) =>
    execa(process.execPath, [CLI, ...args], {
      cwd: directory,
      env: { PATH: process.env["PATH"] ?? "", HOME: directory },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });

  const start = async (...args: string[]) => {
    const up = jobctl("up", "--port", "0", ...args);
    await once(up.stderr as NodeJS.ReadableStream, "data");
    // A process is a promise of its result as well, so it is handed out in a wrapper.
    return { up };
  };

  it("starts everything, and the command line finds it and its token", async () => {
    const { up } = await start();
    const { stdout: id, stderr } = await jobctl(
      "submit",
      await script("echo it works\n"),
      "--wait",
    );
    assert.match(id, /^\d+$/, stderr);
    assert.equal((await jobctl("logs", id)).stdout, "it works");
    assert.equal((await stat(join(directory, ".jobctl/admin.token"))).mode & 0o777, 0o600);
    up.kill("SIGINT");
    assert.equal((await up).exitCode, 0);
    assert.ok(!existsSync(join(directory, ".jobctl/up.json")));
  });

  it("warns as root, and says how to run it as another user", async () => {
    const { up } = await start();
    up.kill("SIGINT");
    const { stderr } = await up;
    if (process.geteuid?.() !== 0) assert.doesNotMatch(stderr, /root/);
    else assert.match(stderr, /Warning: this runs as root[^]*sudo -u jobctl -H jobctl up --data/);
  });

  it("keeps jobs and results for the next time", async () => {
    const { up: first } = await start();
    const { stdout: id } = await jobctl("submit", await script("echo kept\n"), "--wait");
    first.kill("SIGINT");
    await first;
    const { up: second } = await start();
    assert.equal((await jobctl("logs", id)).stdout, "kept");
    second.kill("SIGTERM");
    await second;
  });

  it("refuses a data directory that is in use, and says why", async () => {
    const { up: first } = await start("--data", "shared");
    const second = await jobctl("up", "--port", "0", "--data", "shared");
    assert.equal(second.exitCode, 109);
    assert.match(second.stderr, /another jobctl server is running on .*shared/);
    const { exitCode } = await jobctl("status");
    assert.equal(
      exitCode,
      0,
      "the first one is not disturbed, and is found although its data lies elsewhere",
    );
    first.kill("SIGINT");
    await first;
  });

  it("goes on without a sandbox where there is none, and says so", async () => {
    // A PATH with nothing but bash on it: bubblewrap is not found.
    await mkdir(join(directory, "bin"));
    await symlink("/bin/bash", join(directory, "bin/bash"));
    const up = execa(process.execPath, [CLI, "up", "--port", "0"], {
      cwd: directory,
      env: { PATH: join(directory, "bin"), HOME: directory },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
    await once(up.stdout as NodeJS.ReadableStream, "data");
    const { stdout: id } = await jobctl("submit", await script("echo it runs\n"), "--wait");
    assert.equal((await jobctl("logs", id)).stdout, "it runs");
    up.kill("SIGINT");
    const { exitCode, stderr } = await up;
    assert.equal(exitCode, 0);
    assert.match(stderr, /WITHOUT A SANDBOX.*bubblewrap is not installed/);
  });

  it("refuses a port that is taken", async () => {
    const { up: first } = await start();
    const url = JSON.parse(await readFile(join(directory, ".jobctl/up.json"), "utf8"))
      .url as string;
    const second = await jobctl("up", "--port", new URL(url).port, "--data", "other");
    assert.notEqual(second.exitCode, 0);
    assert.match(second.stderr, /address already in use/);
    first.kill("SIGINT");
    await first;
  });

  it("drains at Ctrl-C: a job that is nearly done is finished", async () => {
    const { up } = await start();
    const { stdout: id } = await jobctl("submit", await script("sleep 1; echo finished\n"));
    await waitUntil("it runs", async () => (await jobctl("status", id)).stdout.includes("running"));
    up.kill("SIGINT");
    await up;
    const { up: again } = await start();
    assert.equal((await jobctl("logs", id)).stdout, "finished");
    again.kill("SIGINT");
    await again;
  });

  it("takes everything down at a second Ctrl-C, and when it is killed", async () => {
    for (const signals of [["SIGINT", "SIGINT"], ["SIGKILL"]] as const) {
      const { up } = await start("--data", signals[0]);
      await jobctl("submit", await script("sleep 600\n"));
      await waitUntil("it runs", async () => (await jobctl("status")).stdout.includes("running"));
      up.kill(signals[0]);
      if (signals.length > 1) {
        await once(up.stderr as NodeJS.ReadableStream, "data");
        up.kill(signals[1]);
      }
      await up;
      await waitUntil(
        "nothing is left",
        async () => (await findProcesses(join(directory, signals[0]))).length === 0,
      );
    }
  });

  async function script(content: string): Promise<string> {
    const path = join(await mkdtemp(join(directory, "job-")), "run.sh");
    await writeFile(path, content);
    return path;
  }
});
