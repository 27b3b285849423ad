import { createHash, randomUUID } from "node:crypto";
import { readlinkSync, rmSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";

const PREFIX = ".jobctl-download-";

/**
 * Works with a temporary file or directory beside its later place, which `work` may rename away.
 * Removes the temporary on every exit, and leftovers of killed processes in the same directory.
 *
 * @param target the later place
 * @param swept directories that need not be looked through again; the one of `target` is added
 */
export async function withTemporary<T>(
  target: string,
  work: (temporary: string) => Promise<T>,
  swept = new Set<string>(),
): Promise<T> {
  const directory = dirname(resolve(target));
  const own = `${PREFIX}${directoryId(directory)}-`;
  if (!swept.has(directory)) await removeAbandoned(directory, own);
  swept.add(directory);
  const temporary = join(directory, `${own}${process.pid}-${randomUUID()}`);
  // A second Ctrl-C ends the process at once, and a stream may still create a file after it failed.
  const removeAtExit = (): void => rmSync(temporary, { recursive: true, force: true });
  process.on("exit", removeAtExit);
  let done = false;
  try {
    const result = await work(temporary);
    done = true;
    return result;
  } finally {
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 });
    if (done) process.off("exit", removeAtExit);
  }
}

/**
 * Tells this machine and its process ids apart from others that share the directory, and this
 * directory from a copy of it.
 */
function directoryId(directory: string): string {
  return createHash("sha256")
    .update(`${hostname()}\0${processNamespace()}\0${directory}`)
    .digest("hex")
    .slice(0, 16);
}

function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** Removes what a process of this user has left that is not alive any more. */
async function removeAbandoned(directory: string, own: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(own)) continue;
    const pid = Number(/^(\d+)-[0-9a-f-]{36}$/.exec(name.slice(own.length))?.[1]);
    if (!(pid > 0) || isAlive(pid)) continue;
    const path = join(directory, name);
    const found = await lstat(path).catch(() => null);
    if (found === null || found.uid !== process.getuid?.()) continue;
    if (!found.isFile() && !found.isDirectory()) continue;
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
