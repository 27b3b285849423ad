import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";

import { outputSchema } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";

/** Every command, with what it needs to succeed; `{id}` is a job that has ended. */
const CALLS: readonly string[][] = [
  ["submit", "{job}"],
  ["submit", "{job}", "--dry-run"],
  ["submit", "{job}", "--wait", "--download", "json-out"],
  ["submit", "{job}", "--follow"],
  ["status"],
  ["status", "{id}"],
  ["status", "{id}", "{id2}"],
  ["status", "--state", "lost"],
  [
    "status",
    "--mine",
    "--service",
    "default",
    "--label",
    "a=b",
    "--since",
    "1h",
    "--sort",
    "runtime",
    "--limit",
    "1",
  ],
  ["wait", "{id}"],
  ["wait", "{id}", "{id2}", "--any"],
  ["logs", "{id}"],
  ["logs", "{id}", "-f"],
  ["logs", "{id}", "--stream", "stdout", "--tail", "1"],
  ["download", "{id}", "-o", "json-dir", "--force"],
  ["download", "{id}", "--archive", "json.tar", "--force"],
  ["download", "{id}", "--path", "run.sh", "-o", "json-files", "--force"],
  ["cancel", "{id}"],
  ["cancel", "{id}", "--wait"],
  ["validate", "{job}"],
  ["queue"],
  ["events", "{id}"],
  ["agents", "list"],
  ["agents", "list", "--check"],
  ["agents", "load"],
  ["agents", "load", "--live"],
  ["agents", "add", "{agent}"],
  ["agents", "drain", "agent-1"],
  ["agents", "drain", "agent-1", "--deadline", "10m"],
  ["agents", "resume", "agent-1"],
  ["agents", "reset", "agent-1"],
  ["agents", "reset", "--all"],
  ["backup", "json-backup"],
  ["backup", "json-backup", "--keep-days", "7"],
  ["backup", "list", "json-backup"],
  ["backup", "verify", "json-backup"],
  ["restore", "json-backup/latest", "--data", "json-restored", "--dry-run"],
  ["vacuum", "--check"],
  ["vacuum", "--older-than", "90d", "--dry-run"],
  ["vacuum", "--older-than", "90d", "--yes"],
  ["usage"],
  ["usage", "--mine", "--since", "30d"],
  ["gc"],
  ["gc", "--dry-run"],
  ["admin", "leader"],
  ["admin", "reconcile"],
  ["admin", "reconcile", "--dry-run"],
  ["config", "show"],
  ["config", "show", "--origin"],
  ["config", "set", "service", "default"],
  ["config", "path"],
  ["doctor"],
  ["completion", "bash"],
  ["completion", "zsh"],
  ["completion", "fish"],
];

/** Calls that fail, with their exit codes. */
const FAILURES: readonly [string[], number][] = [
  [[], 2],
  [["bogus"], 2],
  [["status", "--bogus"], 2],
  [["status", "abc"], 2],
  [["status", "999999"], 102],
  [["status", "999999", "999998"], 102],
  [["status", "--columns", "nonsense"], 0],
  [["status", "--state", "bogus"], 2],
  [["status", "--since", "whenever"], 2],
  [["submit"], 2],
  [["submit", "nowhere"], 102],
  [["submit", "{job}", "--service", "bogus"], 105],
  [["submit", "{job}", "--idempotency-key", "é"], 2],
  [["submit", "{job}", "--idempotency-key", ""], 2],
  [["status", "--since", "9999999999999999999999d"], 2],
  [["wait", "{id}", "--timeout", "9999999999999999999999"], 2],
  [["download", "{id}", "--path", ""], 2],
  [["download", "{id}", "--archive", "x".repeat(300)], 1],
  [["validate", "x".repeat(300)], 1],
  [["wait", "999999"], 102],
  [["logs", "999999"], 102],
  [["logs", "999999", "-f"], 102],
  [["download", "999999"], 102],
  [["download", "{id}", "--path", "nothing"], 102],
  [["download", "{id}", "--partial", "--archive", "x"], 2],
  [["cancel", "999999"], 102],
  [["events", "999999"], 102],
  [["agents"], 2],
  [["agents", "add", "agent:9000"], 2],
  [["agents", "remove", "nobody"], 102],
  [["agents", "forget-key", "nobody"], 102],
  [["agents", "add", "{agent}", "--one-time", "--secret-file", "x"], 2],
  [["agents", "add", "{agent}", "--secret-file", "nowhere"], 102],
  [["agents", "drain", "nobody"], 102],
  [["agents", "resume", "nobody"], 102],
  [["agents", "reset", "nobody"], 102],
  [["agents", "reset"], 2],
  [["agents", "drain", "agent-1", "--deadline", "soon"], 2],
  [["usage", "--since", "whenever"], 2],
  [["backup", "list", "nowhere"], 102],
  [["backup", "verify", "nowhere"], 102],
  [["restore", "nowhere", "--data", "x"], 102],
  [["restore", "nowhere"], 2],
  [["vacuum", "--older-than", "90d"], 2],
  [["vacuum", "--older-than", "soon", "--yes"], 2],
  [["admin"], 2],
  [["config", "set", "bogus", "1"], 2],
  [["config", "set", "token", "secret"], 2],
  [["validate", "nowhere"], 102],
  [["validate", "{job}", "--profile", "lax"], 2],
  [["completion", "powershell"], 2],
  [["up", "--port", "abc"], 2],
];

describe("--json", () => {
  let cluster: Cluster;
  const words: Record<string, string> = {};
  before(async () => {
    cluster = await Cluster.start();
    await cluster.startAgent(2);
    words["agent"] = cluster.agents[1]?.url ?? "";
    words["job"] = await cluster.makeJob({ "run.sh": "echo out\n" });
    words["id"] = String(await cluster.submitScript("echo one\n", "--wait"));
    words["id2"] = String(await cluster.submitScript("echo two\n", "--wait"));
  });
  after(() => cluster.stop());

  const fill = (args: readonly string[]): string[] =>
    args.map((arg) => arg.replace(/^\{(\w+)\}$/, (_, name: string) => words[name] ?? ""));

  for (const call of CALLS) {
    it(`jobctl ${call.join(" ")} prints one value that fits its schema`, async () => {
      const { exitCode, stdout, stderr } = await cluster.jobctl([...fill(call), "--json"]);
      assert.equal(exitCode, 0, stdout + stderr);
      assertOneValue(stdout);
      assert.equal(stderr, "");
    });

    it(`jobctl ${call.join(" ")} prints text without it`, async () => {
      const { exitCode, stdout } = await cluster.jobctl(
        [...fill(call), "--force"].filter(
          (arg) => arg !== "--force" || call.includes("--download") || call.includes("--force"),
        ),
      );
      assert.equal(exitCode, 0);
      assert.ok(!stdout.startsWith("{"));
    });
  }

  for (const [call, expected] of FAILURES) {
    it(`jobctl ${call.join(" ")} --json ends with ${expected}`, async () => {
      const { exitCode, stdout } = await cluster.jobctl([...fill(call), "--json"]);
      assert.equal(exitCode, expected, stdout);
      const value = assertOneValue(stdout);
      assert.equal(value.schema === "jobctl.error/v1", expected !== 0);
    });

    it(`jobctl ${call.join(" ")} ends without a stack trace`, async () => {
      const { exitCode, stderr } = await cluster.jobctl(fill(call));
      if (call.includes("--columns")) assert.equal(exitCode, 2);
      else assert.equal(exitCode, expected);
      assert.doesNotMatch(stderr, /^\s+at /m);
      assert.notEqual(stderr, "");
    });
  }

  it("a list without anything in it is a list", async () => {
    const empty = await Cluster.start({ agents: 0 });
    try {
      for (const call of [["status"], ["queue"], ["agents", "list"], ["agents", "load"]]) {
        const { exitCode, stdout } = await empty.jobctl([...call, "--json"]);
        assert.equal(exitCode, 0);
        const value = assertOneValue(stdout);
        assert.deepEqual("items" in value ? value.items : null, []);
      }
    } finally {
      await empty.stop();
    }
  });

  it("can be asked for by JOBCTL_OUTPUT, for errors too", async () => {
    const env = { JOBCTL_OUTPUT: "json" };
    assertOneValue((await cluster.jobctl(["status"], { env })).stdout);
    assertOneValue((await cluster.jobctl(["bogus"], { env })).stdout);
    assertOneValue(
      (await cluster.jobctl(["status"], { env: { ...env, JOBCTL_SERVER: "http://127.0.0.1:1" } }))
        .stdout,
    );
  });

  it("jobctl agents remove prints one value that fits its schema", async () => {
    await cluster.ok(["agents", "add", ...fill(["{agent}"])]);
    assertOneValue(await cluster.ok(["agents", "forget-key", "agent-2", "--json"]));
    const later = "http://127.0.0.1:1";
    assertOneValue(await cluster.ok(["agents", "add", later, "--one-time", "--json"]));
    await cluster.ok(["agents", "remove", later]);
    assertOneValue(await cluster.ok(["agents", "remove", ...fill(["{agent}"]), "--json"]));
  });

  it("says that a wait has timed out", async () => {
    const id = await cluster.submitScript("sleep 600\n");
    const { exitCode, stdout } = await cluster.jobctl([
      "wait",
      String(id),
      "--timeout",
      "1s",
      "--json",
    ]);
    assert.equal(exitCode, 101);
    assertOneValue(stdout);
    await cluster.ok(["cancel", String(id), "--wait"]);
  });

  it("while watching prints one value a line", async () => {
    const watching = cluster.spawn(["status", "--watch=1s", "--json"]);
    await once(watching.stdout as NodeJS.ReadableStream, "data");
    await once(watching.stdout as NodeJS.ReadableStream, "data");
    watching.kill("SIGINT");
    const { stdout } = await watching;
    const lines = stdout.trim().split("\n");
    assert.ok(lines.length >= 2);
    for (const line of lines) assertOneValue(`${line}\n`);
  });

  it("is what the interface itself answers", async () => {
    for (const path of [
      "/v1/jobs",
      `/v1/jobs/${words["id"]}`,
      "/v1/queue",
      "/v1/agents",
      "/v1/agents/load",
      `/v1/jobs/${words["id"]}/files`,
      "/v1/nothing",
    ]) {
      const answer = await cluster.request(path);
      assertOneValue(`${await answer.text()}\n`);
    }
  });
});

function assertOneValue(stdout: string) {
  assert.match(stdout, /^[^\n]+\n$/);
  const value: unknown = JSON.parse(stdout);
  const parsed = outputSchema.safeParse(value);
  assert.ok(parsed.success, `${stdout}\n${parsed.error}`);
  return parsed.data;
}
