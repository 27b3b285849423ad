import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { VERSION } from "@jobctl/protocol";
import { execa } from "execa";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PACKAGES = ["agent", "archive", "cli", "daemon", "protocol", "server", "validator"] as const;

describe("scripts/release", () => {
  let root: string;
  let directory: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-release-"));
    directory = join(root, "release");
    // Other tests use what has been built, at the same time.
    const arguments_ = ["--no-images", "--no-scan", "--no-build", directory];
    await execa(join(ROOT, "scripts/release"), arguments_);
  });
  after(() => rm(root, { recursive: true, force: true }));

  it("makes packages, a list of what they contain, and checksums that notice a change", async () => {
    const names = await readdir(directory);
    assert.deepEqual(
      names.toSorted(),
      [
        "SHA256SUMS",
        `jobctl-${VERSION}.spdx.json`,
        ...PACKAGES.map((name) => `jobctl-${name}-${VERSION}.tgz`),
      ].toSorted(),
    );
    const check = ["--check", "--strict", "SHA256SUMS"];
    const { stdout } = await execa("sha256sum", check, { cwd: directory });
    assert.equal(stdout.split("\n").filter((line) => line.endsWith(": OK")).length, 8);

    const changed = join(root, "changed");
    await cp(directory, changed, { recursive: true });
    await writeFile(join(changed, `jobctl-cli-${VERSION}.tgz`), "something else");
    await assert.rejects(execa("sha256sum", check, { cwd: changed }), /cli-.*: FAILED/);
  });

  /** Names of what the list has. */
  const listed = async (): Promise<string[]> => {
    const file = join(directory, `jobctl-${VERSION}.spdx.json`);
    const list = JSON.parse(await readFile(file, "utf8")) as {
      spdxVersion: string;
      packages: { name: string }[];
    };
    assert.match(list.spdxVersion, /^SPDX-2/);
    return list.packages.map(({ name }) => name);
  };

  it("lists every package that a user gets, and none for development only", async () => {
    const names = await listed();
    for (const name of PACKAGES) {
      const manifest = JSON.parse(
        await readFile(join(ROOT, "packages", name, "package.json"), "utf8"),
      ) as { dependencies?: Record<string, string> };
      for (const dependency of Object.keys(manifest.dependencies ?? {}))
        assert.ok(names.includes(dependency), `${name} needs ${dependency}`);
    }
    for (const name of ["typescript", "oxlint", "fast-check"])
      assert.ok(!names.includes(name), name);
  });

  it("makes packages that are installed with what is listed alone, and run", async () => {
    const prefix = join(root, "prefix");
    // No registry is asked: what other projects make comes from this installation.
    for (const name of new Set(await listed())) {
      const installed = join(ROOT, "node_modules", name);
      if (!name.startsWith("@jobctl/") && existsSync(installed))
        await cp(installed, join(prefix, "node_modules", name), { recursive: true });
    }
    await writeFile(join(prefix, "package.json"), JSON.stringify({ private: true }));
    const tarballs = PACKAGES.map((name) => join(directory, `jobctl-${name}-${VERSION}.tgz`));
    const quiet = ["--offline", "--no-audit", "--no-fund", "--ignore-scripts"];
    await execa("npm", ["install", ...quiet, ...tarballs], { cwd: prefix });
    const run = async (name: string): Promise<string> => {
      const program = join(prefix, "node_modules/.bin", name);
      const { stdout } = await execa(program, ["--version"], {
        cwd: prefix,
        env: { HOME: prefix },
      });
      return stdout;
    };
    assert.equal(await run("jobctl"), VERSION);
    for (const name of await readdir(join(prefix, "node_modules/@jobctl"))) {
      const files = await readdir(join(prefix, "node_modules/@jobctl", name), { recursive: true });
      assert.ok(!files.some((file) => file.startsWith("src") || file.includes(".test.")), name);
    }
  });

  it("does not touch a directory that is there, and explains an unknown option", async () => {
    const release = (...args: string[]): Promise<unknown> =>
      execa(join(ROOT, "scripts/release"), args);
    await assert.rejects(release(directory), /exists already: name a new directory/);
    await assert.rejects(release("--nonsense", join(root, "x")), /unknown option --nonsense/);
    await assert.rejects(release(), /name the directory of the release/);
  });
});
