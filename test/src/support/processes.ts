import { readdir, readFile } from "node:fs/promises";

/** Ids of the living processes that were started with this text in their environment or arguments. */
export async function findProcesses(marker: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [environment, command, status] = await Promise.all(
        ["environ", "cmdline", "stat"].map((file) =>
          readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""),
        ),
      );
      if (/\) [ZX] /.test(status ?? "")) return null;
      return environment?.includes(marker) || command?.includes(marker) ? Number(pid) : null;
    }),
  );
  return found.filter((pid) => pid !== null && pid !== process.pid) as number[];
}

/** Ends a process at once. @returns whether it was there */
export function killProcess(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
