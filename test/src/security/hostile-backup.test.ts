import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { execa } from "execa";

import { CLI } from "../support/cluster.js";
import { LyingServer } from "../support/lying-server.js";
import { shows } from "../support/shows.js";

const ID = "11111111-1111-4111-8111-111111111111";
const DATABASE = Buffer.from("bytes that the server chose\n");
const MEBIBYTE = 1024 * 1024;

const digestOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

describe("jobctl backup of a server that lies", () => {
  let server: LyingServer;
  let root: string;
  let target: string;
  let precious: string;
  before(async () => {
    server = await LyingServer.start();
  });
  after(() => server.close());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-hostile-backup-"));
    target = join(root, "deep/backup");
    precious = join(root, "precious");
    await mkdir(join(root, "deep"));
    await writeFile(precious, "precious\n");
    server.answers.clear();
    server.otherwise = (response) => void response.end("evil\n");
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const answer = (session: object, list: string): void => {
    const sound = {
      schema: "jobctl.backup-session/v1",
      id: ID,
      installation: null,
      createdAt: "2026-01-01T00:00:00.000Z",
      version: "0.1.0",
      schemaVersion: 1,
      database: { sizeBytes: DATABASE.length, sha256: digestOf(DATABASE) },
      counts: { jobs: 1, attempts: 1, events: 1 },
      blobs: { count: 1, sizeBytes: 5 },
    };
    server.answers.set("/v1/admin/backups", (response) => {
      response.write(`${JSON.stringify({ ...sound, ...session })}\n`);
    });
    server.answers.set(`/v1/admin/backups/${ID}/database`, (response) => {
      response.end(DATABASE);
    });
    server.answers.set(`/v1/admin/backups/${ID}/blobs`, (response) => {
      response.end(list);
    });
  };
  const backUp = () =>
    execa(process.execPath, ["--max-old-space-size=128", CLI, "backup", target, "--json"], {
      env: { PATH: process.env["PATH"] ?? "", HOME: root, JOBCTL_SERVER: server.url },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
  const requireUntouched = async (): Promise<void> => {
    assert.equal(await readFile(precious, "utf8"), "precious\n");
    assert.deepEqual((await readdir(root)).toSorted(), ["deep", "precious"]);
    assert.deepEqual(await readdir(join(root, "deep")), ["backup"]);
    assert.deepEqual(await readdir(join(target, "blobs/sha256")), []);
    const kept = await readdir(join(target, "snapshots"));
    assert.deepEqual(
      kept.filter((name) => !name.startsWith(".")),
      [],
    );
  };
  const line = (blob: unknown): string => `${JSON.stringify(blob)}\n`;

  const lies: readonly (readonly [string, object, string])[] = [
    ["a time that leads out", { createdAt: "/../../../escaped" }, ""],
    ["a time that is none", { createdAt: "never" }, ""],
    ["an id that leads elsewhere", { id: "../../jobs/1" }, ""],
    ["a digest of the database that is none", { database: { sizeBytes: 1, sha256: "x" } }, ""],
    ["no counts", { counts: null }, ""],
    ["a digest that leads out", {}, line({ sha256: "/../../../../precious", sizeBytes: 5 })],
    ["a digest that is none", {}, line({ sha256: "..", sizeBytes: 5 })],
    ["a size below zero", {}, line({ sha256: "a".repeat(64), sizeBytes: -1 })],
    ["nothing as a blob", {}, line(null)],
    ["no list at all", {}, "<html>\n"],
    ["an endless line of blobs", {}, "x".repeat(MEBIBYTE)],
  ];
  for (const [what, session, list] of lies)
    it(`refuses ${what}, and writes nothing elsewhere`, async (t) => {
      answer(session, list);
      const { exitCode, stdout } = await backUp();
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
      assert.equal(error.code, "server_answer_invalid", stdout);
      assert.equal(exitCode, 1);
      await requireUntouched();
      shows(t, "lying-server-writes-nothing", { what, times: 1 });
    });

  it("refuses a first line that does not end", async () => {
    server.answers.set("/v1/admin/backups", (response) => {
      const write = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", write);
      write();
    });
    const { stdout } = await backUp();
    assert.match(stdout, /server_answer_invalid/);
    await requireUntouched();
  });

  const manifests: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
    ["a FIFO", (path) => execa("mkfifo", [path])],
    ["a link to a device", (path) => symlink("/dev/zero", path)],
    ["nothing", (path) => writeFile(path, "null")],
    ["without its fields", (path) => writeFile(path, "{}")],
  ];
  for (const [what, make] of manifests)
    it(`says what is wrong with a manifest that is ${what}`, async () => {
      const snapshot = join(target, "snapshots/2026-01-01T00-00-00.000Z");
      await mkdir(snapshot, { recursive: true });
      await make(join(snapshot, "manifest.json"));
      for (const command of [
        ["backup", "verify", target],
        ["restore", snapshot, "--data", join(root, "data")],
      ]) {
        const { exitCode, stderr, stdout } = await execa(process.execPath, [CLI, ...command], {
          env: { PATH: process.env["PATH"] ?? "", HOME: root, JOBCTL_SERVER: server.url },
          extendEnv: false,
          reject: false,
          stdin: "ignore",
          timeout: 60_000,
        });
        assert.equal(exitCode, 1, stderr);
        assert.match(`${stdout}${stderr}`, /manifest\.json (is not|cannot be read as) a manifest/);
      }
    });
});
