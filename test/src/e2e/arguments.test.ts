import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { VERSION } from "@jobctl/protocol";
import { execa } from "execa";

const HELP = {
  server: [/^Usage: jobctl-server/, /^ {2}check /m, /^ {2}--new /m, /docs\/configuration\.md/],
  agent: [/^Usage: jobctl-agent/, /docs\/configuration\.md/],
};
/** Of each daemon. */
const MISTAKES = {
  server: [["--hlep"], ["chekc"], ["check", "--new"], ["--new", "x"], [""]],
  agent: [["--hlep"], ["check"], ["--new"], [""]],
};

describe("the arguments of a daemon", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-test-"));
  });
  after(() => rm(directory, { recursive: true }));

  /** Without any setting: a start would end with another exit code, or go on. */
  const run = (daemon: "server" | "agent", args: readonly string[]) =>
    execa(
      process.execPath,
      [fileURLToPath(import.meta.resolve(`@jobctl/${daemon}/main`)), ...args],
      {
        ...{ cwd: directory, env: {}, extendEnv: false, reject: false },
        ...{ timeout: 60_000, stripFinalNewline: false },
      },
    );

  for (const daemon of ["server", "agent"] as const) {
    it(`${daemon}: --help and --version are answered, and nothing is started`, async () => {
      for (const option of ["--help", "-h"]) {
        const { exitCode, stdout, stderr } = await run(daemon, [option]);
        assert.deepEqual([exitCode, stderr], [0, ""]);
        for (const part of HELP[daemon]) assert.match(stdout, part);
      }
      for (const option of ["--version", "-V"]) {
        const { exitCode, stdout, stderr } = await run(daemon, [option]);
        assert.deepEqual([exitCode, stdout, stderr], [0, `${VERSION}\n`, ""]);
      }
    });

    it(`${daemon}: what it does not understand is refused with exit code 2`, async () => {
      for (const args of MISTAKES[daemon]) {
        const { exitCode, stdout, stderr } = await run(daemon, args);
        assert.deepEqual([exitCode, stdout], [2, ""], args.join(" "));
        assert.match(stderr, new RegExp(`^jobctl-${daemon}: unknown argument ".*"\n.*--help`));
        assert.match(stderr, new RegExp(JSON.stringify(args.at(-1))));
      }
      assert.deepEqual(await readdir(directory), []);
    });
  }
});
