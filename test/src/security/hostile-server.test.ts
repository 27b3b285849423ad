import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { execa } from "execa";

import { CLI } from "../support/cluster.js";
import { LyingServer, completedJob } from "../support/lying-server.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

describe("a server that lies", () => {
  let server: LyingServer;
  let root: string;
  let work: string;
  before(async () => {
    server = await LyingServer.start();
  });
  after(() => server.close());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-lies-"));
    work = join(root, "work");
    await mkdir(work);
    server.answers.clear();
    server.otherwise = null;
    server.answerJson("/v1/jobs/1", completedJob());
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const spawn = (...args: string[]) =>
    execa(process.execPath, [CLI, ...args], {
      cwd: work,
      env: { PATH: process.env["PATH"] ?? "", HOME: root, JOBCTL_SERVER: server.url },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });

  const list = (items: readonly unknown[]): void => {
    server.answerJson("/v1/jobs/1/files", { items, nextCursor: null });
  };
  const listed = (path: unknown, more: object = {}): object => ({
    path,
    type: "file",
    sizeBytes: 5,
    mode: "0644",
    modifiedAt: null,
    linkTarget: null,
    ...more,
  });
  /** Every file is there, whatever its path. */
  const serveFiles = (content = "evil\n"): void => {
    server.otherwise = (response) => void response.end(content);
  };

  const lies: readonly (readonly [string, readonly unknown[], RegExp])[] = [
    ["leads out", [listed("a"), listed("../escaped")], /"\.\.\/escaped".*\.\./],
    ["leads out further down", [listed("a/b/../../../escaped")], /\.\./],
    ["is absolute", [listed("/tmp/jobctl-escaped")], /absolute/],
    ["is of another system", [listed("..\\escaped"), listed("a")], /backslash/],
    ["has a drive", [listed("C:\\escaped")], /absolute/],
    ["holds NUL", [listed("a\0b")], /NUL/],
    ["has empty names", [listed("a//b")], /empty/],
    ["has a dot", [listed("./a")], /"\."/],
    ["is empty", [listed("")], /empty/],
    ["is no text", [listed(17)], /not a text/],
    ["is very long", [listed("a/".repeat(4000) + "a")], /4096/],
    ["has a long name", [listed("a".repeat(300))], /255/],
    ["is there twice", [listed("a"), listed("a")], /twice/],
    ["is file and folder", [listed("a"), listed("a/b")], /below/],
    ["has no mode", [listed("a", { mode: "rwx" })], /mode/],
    ["has no size", [listed("a", { sizeBytes: -1 })], /size/],
  ];
  for (const [lie, items, message] of lies) {
    it(`writes nothing when a listed path ${lie}`, { timeout: 60_000 }, async (t) => {
      shows(t, "lying-server-writes-nothing");
      list(items);
      serveFiles();
      const { exitCode, stderr } = await spawn("download", "1", "--path", "**", "-o", "out");
      assert.match(stderr, message);
      assert.equal(exitCode, 105, stderr);
      assert.deepEqual(await readdir(root), ["work"]);
      assert.deepEqual(await readdir(work), []);
    });
  }

  it("writes nothing through a link that an earlier download has left", async (t) => {
    shows(t, "lying-server-writes-nothing");
    await mkdir(join(root, "elsewhere"));
    await mkdir(join(work, "out"));
    await symlink(join(root, "elsewhere"), join(work, "out/link"));
    list([listed("link/file")]);
    serveFiles();
    for (const force of [[], ["--force"]]) {
      const { exitCode, stderr } = await spawn(
        ...["download", "1", "--path", "**", "-o", "out", ...force],
      );
      assert.match(stderr, /link.*is a symlink/);
      assert.equal(exitCode, 109);
    }
    assert.deepEqual(await readdir(join(root, "elsewhere")), []);
  });

  it("cannot send more of a file than it has listed", { timeout: 60_000 }, async () => {
    list([listed("a")]);
    serveFiles("much more than five bytes\n");
    const { exitCode, stderr } = await spawn("download", "1", "--path", "**", "-o", "out");
    assert.match(stderr, /more than 5 bytes/);
    assert.notEqual(exitCode, 0);
    assert.deepEqual(await readdir(join(work, "out")), []);
  });

  const ways = {
    "the result": ["download", "1", "-o", "out"],
    "the archive": ["download", "1", "--archive", "out.tar"],
    "single files": ["download", "1", "--path", "**", "-o", "out"],
  } as const;
  for (const [what, args] of Object.entries(ways)) {
    for (const signals of [["SIGINT"], ["SIGTERM"], ["SIGINT", "SIGINT"]] as const) {
      it(
        `leaves nothing of ${what} after ${signals.join(" and ")}`,
        { timeout: 60_000 },
        async () => {
          list([listed("a", { sizeBytes: 1024 * 1024 })]);
          // The first part of an archive, and then silence.
          const begin = Buffer.concat([tarHeader("file", 512 * 1024), Buffer.alloc(64 * 1024)]);
          for (const path of ["/v1/jobs/1/result", "/v1/jobs/1/files/a"]) {
            server.answers.set(path, (response) => void response.write(begin));
          }
          const running = spawn(...args);
          await waitUntil(
            "a temporary file comes or goes",
            async () => (await leftovers(work)).length > 0,
          );
          for (const signal of signals) running.kill(signal);
          const { exitCode } = await running;
          assert.equal(exitCode, 130);
          assert.deepEqual(await leftovers(work), []);
        },
      );
    }

    it(`clears ${what} of a download that was killed`, { timeout: 60_000 }, async () => {
      list([listed("a", { sizeBytes: 1024 * 1024 })]);
      for (const path of ["/v1/jobs/1/result", "/v1/jobs/1/files/a"]) {
        server.answers.set(path, (response) => void response.write(Buffer.alloc(1024)));
      }
      const killed = spawn(...args);
      await waitUntil(
        "a temporary file comes or goes",
        async () => (await leftovers(work)).length > 0,
      );
      killed.kill("SIGKILL");
      await killed;
      const [left] = await leftovers(work);
      assert.ok(left !== undefined);
      // What only looks like one stays.
      await writeFile(join(work, ".jobctl-download-mine"), "");
      const next = spawn(...args);
      await waitUntil(
        "a temporary file comes or goes",
        async () => !(await leftovers(work)).includes(left),
      );
      next.kill("SIGINT");
      await next;
      assert.deepEqual(await leftovers(work), [".jobctl-download-mine"]);
    });
  }

  it("cannot keep a download asking for nothing, nor send more than a result has", async () => {
    let asked = 0;
    for (const [body, message] of [
      ["", /arrived with 0 of 100 bytes/],
      ["x".repeat(200), /arrived with more than 100 bytes/],
    ] as const) {
      asked = 0;
      server.answerJson(
        "/v1/jobs/1",
        completedJob({ result: { sizeBytes: 100, sha256: "0".repeat(64) } }),
      );
      server.answers.set("/v1/jobs/1/result", (response) => {
        asked += 1;
        response.end(body);
      });
      const { stderr } = await spawn("download", "1", "-o", `out-${body.length}`);
      assert.match(stderr, message);
      assert.ok(asked <= 5, `${asked} requests`);
      assert.deepEqual(await leftovers(work), []);
    }
  });

  const ESCAPES = "\u001b[2J\u001b]0;title\u0007\u009b31m\rbell\u0008";
  it("cannot send escape sequences to the terminal, except in logs", async () => {
    const job = completedJob({
      name: `name${ESCAPES}`,
      user: `user${ESCAPES}`,
      labels: { key: `label${ESCAPES}` },
      agent: `agent${ESCAPES}`,
      status: "failed",
      reason: `reason${ESCAPES}`,
      outcome: { reason: "signaled", exitCode: null, signal: `SIG${ESCAPES}`, message: ESCAPES },
    });
    const events = [
      {
        at: job.submittedAt,
        type: "status",
        status: "failed",
        reason: ESCAPES,
        attempt: 1,
        agent: ESCAPES,
        message: ESCAPES,
      },
    ];
    server.answerJson("/v1/jobs/1", job);
    server.answerJson("/v1/jobs/1/wait", job);
    server.answerJson("/v1/jobs", { items: [job], nextCursor: null });
    server.answerJson("/v1/jobs/1/events", { items: events, nextCursor: null });
    server.answerJson("/v1/jobs/1/cancel", { ...job, requested: true });
    const error = { code: "job_not_found", message: ESCAPES, hint: ESCAPES, details: null };
    server.answerJson("/v1/jobs/2", { error }, 404);
    server.answerJson("/v1/jobs/2/wait", { error }, 404);
    const commands = ["wait 1", "status", "status 1", "events 1", "cancel 1", "status 2", "wait 2"];
    for (const command of commands) {
      const { stdout, stderr } = await spawn(...command.split(" "), "--debug");
      const shown = `${stdout}${stderr}`;
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(shown, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, command);
      assert.match(shown, /\\x1b/, command);
    }
    server.answers.set("/v1/jobs/1/logs", (response) => void response.end(ESCAPES));
    assert.ok((await spawn("logs", "1")).stdout.includes(ESCAPES));
  });

  it("cannot do so through names of files either", async () => {
    const job = join(work, "job");
    await mkdir(job);
    await writeFile(join(job, "run.sh"), "true\n");
    await writeFile(join(job, `file${ESCAPES}`), "");
    await writeFile(join(job, "\u001b[2J.sh"), "rm -rf /\n");
    const calls = [
      ["submit", "--dry-run", "job"],
      ["validate", "job/\u001b[2J.sh"],
      ["submit", "\u001b[2J"],
      ["no\u001b[2Jcommand"],
      ["status", "--no\u001b[2Joption"],
    ];
    for (const args of calls) {
      const { stdout, stderr } = await spawn(...args);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(`${stdout}${stderr}`, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }
  });
});

async function leftovers(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  return names.filter((name) => /^(out\/)?\.jobctl-download-[^/]*$/.test(name));
}

/** The header of a file in a tar archive. */
function tarHeader(name: string, sizeBytes: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write("0000644\0", 100);
  header.write(`${sizeBytes.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.fill(" ", 148, 156);
  header.write("0ustar\u000000", 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
