import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { openFiles } from "./open-files.js";

/** A real server or agent, as a child process that does not outlive the test. */
export class DaemonProcess {
  readonly url: string;
  readonly logFile: string;
  readonly child: ChildProcess;
  /** What its descriptors led to when it had come up, without sockets. */
  readonly filesAtStart: readonly string[];

  private constructor(
    url: string,
    logFile: string,
    child: ChildProcess,
    filesAtStart: readonly string[],
  ) {
    this.url = url;
    this.logFile = logFile;
    this.child = child;
    this.filesAtStart = filesAtStart;
  }

  /**
   * @param launch the command that becomes the daemon, given its main file; by default Node itself
   * @throws Error with the daemon's own words when it does not come up
   */
  static async start(
    kind: "server" | "agent",
    environment: Record<string, string>,
    logFile: string,
    launch: (main: string) => readonly string[] = (main) => [process.execPath, main],
  ): Promise<DaemonProcess> {
    const log = openSync(logFile, "a");
    const main = fileURLToPath(import.meta.resolve(`@jobctl/${kind}/main`));
    const [program = "", ...args] = launch(main);
    const child = spawn(program, args, {
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    const message = (await Promise.race([
      once(child, "message").then(([told]) => told as Record<string, unknown>),
      once(child, "exit").then(() => ({ event: "exited" })),
    ])) as { event: string; url?: string; message?: string };
    if (message.event === "ready") {
      const filesAtStart = await openFiles(child.pid ?? 0);
      return new DaemonProcess(message.url ?? "", logFile, child, filesAtStart);
    }
    throw new Error(`${kind}: ${message.message ?? (await readFile(logFile, "utf8"))}`);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Sends a signal and waits for the end of the process. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill("SIGCONT");
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }
}
