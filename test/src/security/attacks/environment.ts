import assert from "node:assert/strict";
import { it } from "node:test";

import type { PlacedCluster } from "../../support/sandbox-places.js";
import { shows } from "../../support/shows.js";

/** Variables that make programs run or load something must not do so before the limits hold. */
export function defineEnvironmentAttacks(place: () => Pick<PlacedCluster, "cluster">): void {
  const run = async (files: Record<string, string>, ...args: string[]) => {
    const { cluster } = place();
    const directory = await cluster.makeJob(files);
    const id = (await cluster.ok(["submit", directory, ...args])).trim();
    await cluster.jobctl(["wait", id]);
    const { stdout, stderr } = await cluster.jobctl(["logs", id]);
    return { stdout, stderr, job: await cluster.job(Number(id)) };
  };

  it("BASH_ENV is read once, within the limits", async (t) => {
    shows(t, "job-starts-clean");
    const files = {
      "run.sh": "cat seen\n",
      "start.sh": 'echo "files $(ulimit -n) core $(ulimit -c)" >> seen\n',
    };
    const { stdout } = await run(files, "--env", "BASH_ENV=./start.sh");
    assert.match(stdout, /^files \d+ core 0\n$/);
  });

  it("a file in BASH_ENV cannot allocate more than the job's memory", async (t) => {
    shows(t, "job-starts-clean");
    const files = {
      "run.sh": "echo went on\n",
      "start.sh": "printf -v filled '%300000000s' x && echo allocated\n",
    };
    const { stdout } = await run(files, "--env", "BASH_ENV=./start.sh", "--memory", "64M");
    assert.doesNotMatch(stdout, /allocated/);
  });

  it("a library in LD_PRELOAD is loaded by the job's own programs only", async (t) => {
    shows(t, "job-starts-clean");
    const { stderr } = await run({ "run.sh": ":\n" }, "--env", "LD_PRELOAD=./missing.so");
    assert.equal(stderr.match(/missing\.so/g)?.length, 1, stderr);
  });

  it("values reach the job as they are", async (t) => {
    shows(t, "job-starts-clean");
    const values: Record<string, string> = {
      LINES_OF_TEXT: "first\nsecond\n\n",
      BLANKS: "  a \t b  ",
      QUOTES: `"'\\$(touch marker)\`touch marker\`\\n\\`,
      CONTROL: "\u0001\u0007\u001b[31m\u007f",
      WORDS: "grün 猫 🧬",
      EMPTY: "",
      REPLY: "reply",
      IFS: "x",
      PATH: "/usr/bin:/bin:/opt/x",
    };
    const names = Object.keys(values);
    const script = `${names.map((name) => `printf '%s' "$${name}" | od -An -v -tx1 | tr -d ' \\n'; echo`).join("\n")}\nls\n`;
    const environment = names.flatMap((name) => ["--env", `${name}=${values[name]}`]);
    const { stdout } = await run({ "run.sh": script }, ...environment);
    const expected = names.map((name) =>
      // bash takes IFS from nobody.
      Buffer.from(name === "IFS" ? " \t\n" : (values[name] ?? "")).toString("hex"),
    );
    assert.deepEqual(stdout.trimEnd().split("\n"), [...expected, "run.sh"]);
  });

  it("files that a job makes have the usual permissions, whatever the agent's own umask is", async () => {
    const { stdout } = await run({ "run.sh": "umask; : > made; stat -c %a made\n" });
    assert.equal(stdout, "0022\n644\n");
  });

  for (const name of ["SHELLOPTS", "UID", "BASHOPTS"]) {
    it(`${name} is refused at submit: bash sets it itself`, async () => {
      const { cluster } = place();
      const directory = await cluster.makeJob({ "run.sh": "true\n" });
      const { exitCode, stderr } = await cluster.jobctl([
        ...["submit", directory, "--env", `${name}=1`],
      ]);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, new RegExp(`${name}.*bash sets`));
    });
  }
}
