import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Ways to read the time of day, or to lose a time limit, with the rule that has to refuse each. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "export const at = Date.now();": /no-restricted-properties/,
  "export const { now } = Date;": /no-restricted-properties/,
  "export const at = new Date();": /no-new-date/,
  "export const at = Date();": /no-new-date/,
  "export const limit = AbortSignal.timeout(1000);": /no-restricted-properties/,
  "export const either = AbortSignal.any([]);": /no-restricted-properties/,
};
const ACCEPTED = [
  "export const at = new Date(0);",
  'export const at = Date.parse("2026-01-01");',
  "export const ms = performance.now();",
];

describe("the lint rules of the clock", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-lint-"));
    const config = JSON.parse(await readFile(join(ROOT, ".oxlintrc.json"), "utf8")) as object;
    // There is no project of TypeScript here.
    const untyped = { ...config, options: {} };
    await writeFile(join(directory, ".oxlintrc.json"), JSON.stringify(untyped));
    await cp(join(ROOT, "scripts/lint-clock.mjs"), join(directory, "scripts/lint-clock.mjs"));
    await mkdir(join(directory, "packages/server/src"), { recursive: true });
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** @returns what is said of a source file with this text, and how the check ended */
  async function lint(text: string): Promise<{ said: string; exitCode: number | undefined }> {
    await writeFile(join(directory, "packages/server/src/example.ts"), `${text}\n`);
    const oxlint = join(ROOT, "node_modules/.bin/oxlint");
    const { stdout, stderr, exitCode } = await execa(oxlint, ["--deny-warnings"], {
      cwd: directory,
      reject: false,
    });
    return { said: stdout + stderr, exitCode };
  }

  for (const [text, rule] of Object.entries(REFUSED)) {
    it(`refuse ${text}`, async () => {
      const { said, exitCode } = await lint(text);
      assert.equal(exitCode, 1, said);
      assert.match(said, rule);
    });
  }

  it("accept what reads no time of day", async () => {
    for (const text of ACCEPTED) {
      const { said, exitCode } = await lint(text);
      assert.equal(exitCode, 0, said);
    }
  });
});
