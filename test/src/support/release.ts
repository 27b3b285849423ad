import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** The sources of the daemons of the release before this one: a checkout need not have its history. */
const PREVIOUS = join(ROOT, "test/fixtures/releases/previous.tar.gz");

/** Where the built daemons of another release begin. */
export interface ReleaseMains {
  readonly server: string;
  readonly agent: string;
}

/**
 * Builds the daemons of the previous release, with the dependencies that are installed for this one.
 *
 * @param directory does not exist yet
 */
export async function buildPreviousRelease(directory: string): Promise<ReleaseMains> {
  await mkdir(join(directory, "node_modules/@jobctl"), { recursive: true });
  await execa("tar", ["--extract", "--gzip", "--file", PREVIOUS], { cwd: directory });
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (name === "@jobctl" || name.startsWith(".")) continue;
    await symlink(join(ROOT, "node_modules", name), join(directory, "node_modules", name));
  }
  for (const name of await readdir(join(directory, "packages")))
    await symlink(join(directory, "packages", name), join(directory, "node_modules/@jobctl", name));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const daemons = ["packages/server", "packages/agent"];
  // Its types were checked when it was made, against the dependencies of its time.
  await execa(process.execPath, [tsc, "-b", "--noCheck", ...daemons], { cwd: directory });
  return {
    server: join(directory, "packages/server/dist/main.js"),
    agent: join(directory, "packages/agent/dist/main.js"),
  };
}
