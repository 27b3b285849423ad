import { readFile } from "node:fs/promises";

/** Clock ticks in a second, which Linux fixes for what it shows in /proc. */
const TICKS = 100;

/** CPU time that a process has used so far, in all its threads. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name of the program comes second and may hold anything, so it is counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
