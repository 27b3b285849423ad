import type { Duplex } from "node:stream";

import { encodeVariables } from "./job-shell.js";

/** The agent's end of the pipe of `jobShell()`: the job's variables go in, and let it begin. */
export class JobPipe {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    // That its process has ended is what the exit event reports.
    stream.on("error", () => {});
  }

  /** Lets the job begin. */
  release(variables: Readonly<Record<string, string>>): void {
    this.#stream.end(encodeVariables(variables));
  }

  /** A job that has not begun never will. */
  withhold(): void {
    this.#stream.destroy();
  }
}
