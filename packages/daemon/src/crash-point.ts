/**
 * A named step, for tests of what is left when a daemon dies exactly after it. With
 * `JOBCTL_CRASH_POINT=NAME`, or `NAME:3` for the third time that the step is reached, the process
 * kills itself there; without the variable this does nothing.
 */
export function crashPoint(name: string): void {
  const [wanted, time = "1"] = (process.env["JOBCTL_CRASH_POINT"] ?? "").split(":");
  if (wanted !== name) return;
  reached += 1;
  if (reached < Number(time)) return;
  process.kill(process.pid, "SIGKILL");
  // The signal is delivered before this returns; nothing of the daemon runs after it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
}

let reached = 0;
