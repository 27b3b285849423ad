import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { findProcesses } from "../support/processes.js";
import { hasBubblewrap, unless } from "../support/requirements.js";
import { waitUntil } from "../support/wait-until.js";

const EXECUTORS = [
  { name: "process", skip: false as const },
  { name: "bubblewrap", skip: unless("bubblewrap", hasBubblewrap) },
];

/** Told apart from everything else on the machine by the number of seconds that it sleeps. */
const SLEEP = "sleep 98765";

// What every executor has to do, run on each of them.
for (const { name, skip } of EXECUTORS) {
  describe(`the ${name} executor`, { skip }, () => {
    let cluster: Cluster;
    before(async () => {
      cluster = await Cluster.start({ agent: { JOBCTL_AGENT_SANDBOX: name } });
    });
    after(() => cluster.stop());

    it("passes on the exit code, output and files of a job", async () => {
      const id = await cluster.submitScript("echo out; echo err >&2; echo x > made.txt; exit 9\n");
      const { exitCode } = await cluster.jobctl(["wait", String(id)]);
      assert.equal(exitCode, 9);
      const logs = await cluster.jobctl(["logs", String(id)]);
      assert.deepEqual([logs.stdout, logs.stderr], ["out\n", "err\n"]);
      await cluster.ok(["download", String(id), "-o", "exit"]);
      assert.equal(await readFile(join(cluster.root, "exit/made.txt"), "utf8"), "x\n");
    });

    for (const [signal, number] of [
      ["KILL", 9],
      ["SEGV", 11],
      ["TERM", 15],
    ] as const) {
      it(`passes on the death of a job by SIG${signal}`, async () => {
        const id = await cluster.submitScript(`kill -${signal} $$\n`);
        assert.equal((await cluster.jobctl(["wait", String(id)])).exitCode, 128 + number);
        const { outcome } = await cluster.job(id);
        assert.deepEqual([outcome?.reason, outcome?.signal], ["signaled", `SIG${signal}`]);
      });
    }

    it("runs a job in its own directory, with a private temporary one, and only its own variables", async () => {
      const script = 'test "$PWD" = "$HOME" && echo t > "$TMPDIR/t" && cat "$TMPDIR/t"; env\n';
      const id = await cluster.submitScript(script, "--env", "MINE=yes", "--wait");
      const lines = (await cluster.ok(["logs", String(id)])).trimEnd().split("\n");
      assert.equal(lines[0], "t");
      const names = lines.slice(1).map((line) => line.split("=")[0] ?? "");
      const expected = [
        "HOME",
        "JOBCTL_ATTEMPT",
        "JOBCTL_JOB_ID",
        "JOBCTL_SERVICE",
        "LANG",
        "MINE",
        "PATH",
        "PWD",
        "SHLVL",
        "TMPDIR",
        "_",
      ];
      assert.deepEqual(names.toSorted(), expected);
    });

    it("ends a job at its time limit, although it ignores TERM and has gone into the background", async () => {
      const script = `trap '' TERM; (trap '' TERM; setsid ${SLEEP} &) ; while :; do ${SLEEP}; done\n`;
      const id = await cluster.submitScript(script, "--time", "1s");
      assert.equal((await cluster.jobctl(["wait", String(id)])).exitCode, 104);
      assert.deepEqual(await findProcesses(SLEEP.replace(" ", "\0")), []);
    });

    it("leaves nothing running of a job that has ended", async () => {
      const script = `setsid ${SLEEP} & nohup ${SLEEP} > /dev/null 2>&1 & (${SLEEP} &) ; exit 0\n`;
      const id = await cluster.submitScript(script, "--wait");
      assert.equal((await cluster.job(id)).status, "completed");
      assert.deepEqual(await findProcesses(SLEEP.replace(" ", "\0")), []);
    });

    it("lets a job that is cancelled clean up after itself", async () => {
      const script = `trap 'echo cleaned > cleaned.txt; exit 0' TERM; echo ready; ${SLEEP} & wait\n`;
      const id = await cluster.submitScript(script);
      await waitUntil(
        "it is ready",
        async () => (await cluster.jobctl(["logs", String(id)])).stdout === "ready\n",
      );
      await cluster.ok(["cancel", String(id), "--wait"]);
      assert.equal((await cluster.job(id)).status, "cancelled");
      await cluster.ok(["download", String(id), "-o", "cleaned", "--path", "cleaned.txt"]);
    });

    it("tells what a job has used", async () => {
      const id = await cluster.submitScript(
        "(ulimit -t 1; awk 'BEGIN { while (1) x++ }'); sleep 1.2; exit 0\n",
        "--wait",
      );
      const { usage } = await cluster.job(id);
      assert.ok(
        (usage?.wallSeconds ?? 0) > 2 && (usage?.cpuSeconds ?? 0) > 0.5,
        JSON.stringify(usage),
      );
      assert.ok((usage?.maxRssBytes ?? 0) > 100_000, JSON.stringify(usage));
    });
  });
}
