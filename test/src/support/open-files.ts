import { readdir, readlink } from "node:fs/promises";
import { basename } from "node:path";

/** What the descriptors of a process lead to, without sockets: connections come and go. */
export async function openFiles(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(
    names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "socket:")),
  );
  return (
    targets
      .filter((target) => !target.startsWith("socket:"))
      .map((target) => target.replace(/^pipe:.*/, "pipe"))
      // Its path changes when its volume is mounted elsewhere.
      .map((target) => (basename(target) === "agent.lock" ? "agent.lock" : target))
  );
}
