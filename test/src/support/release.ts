import { spawnSync } from "node:child_process";
import { mkdir, readFile, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const RECORDED = join(ROOT, "test/fixtures/previous-release.txt");

/** The daemons of another commit, built. */
export interface Release {
  readonly commit: string;
  readonly mains: { readonly server: string; readonly agent: string };
}

/**
 * The commit of the release before this one: the newest tag `v*` that this commit does not carry itself, or, as long
 * as there is none, the commit in `test/fixtures/previous-release.txt`.
 */
export async function previousRelease(): Promise<string> {
  const describe = ["describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^"];
  const { status, stdout } = spawnSync("git", describe, { cwd: ROOT });
  return status === 0 ? stdout.toString().trim() : (await readFile(RECORDED, "utf8")).trim();
}

/** Whether the sources of a commit are in this clone. */
export function isInHistory(commit: string): boolean {
  return spawnSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT }).status === 0;
}

/**
 * Builds the packages of a commit, with the dependencies that are installed for this one.
 *
 * @param directory does not exist yet
 * @throws Error when this clone does not have the commit, or when it cannot be built
 */
export async function buildRelease(commit: string, directory: string): Promise<Release> {
  if (!isInHistory(commit)) {
    throw new Error(
      `the release ${commit}, from which to upgrade, is not in this clone: git fetch origin ${commit}`,
    );
  }
  await mkdir(join(directory, "node_modules/@jobctl"), { recursive: true });
  const archive = ["archive", "--output", join(directory, "source.tar"), commit];
  await execa("git", [...archive, "packages", "tsconfig.base.json", "package.json"], { cwd: ROOT });
  await execa("tar", ["--extract", "--file", "source.tar"], { cwd: directory });
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (name === "@jobctl" || name.startsWith(".")) continue;
    await symlink(join(ROOT, "node_modules", name), join(directory, "node_modules", name));
  }
  for (const name of await readdir(join(directory, "packages")))
    await symlink(join(directory, "packages", name), join(directory, "node_modules/@jobctl", name));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const [server, agent] = ["server", "agent"].map((name) => join(directory, "packages", name));
  // Its types were checked when it was made, against the dependencies of its time.
  const build = [tsc, "-b", "--noCheck", server ?? "", agent ?? ""];
  await execa(process.execPath, build, { cwd: directory });
  const mains = {
    server: join(server ?? "", "dist/main.js"),
    agent: join(agent ?? "", "dist/main.js"),
  };
  return { commit, mains };
}
