import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { encodeVariables } from "./job-shell.js";

/** After the end of a job's first process, for what it has written to arrive. */
const ARRIVAL_MS = 1000;

/**
 * The agent's end of the pipe of `jobShell()`: the job's variables go in, and let it begin; a byte comes
 * back when it does.
 */
export class JobPipe {
  readonly #stream: Duplex;
  readonly #closed: Promise<void>;
  #hasBegun = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    // That its process has ended is what the exit event reports.
    stream.on("error", () => {});
    stream.on("data", () => {
      this.#hasBegun = true;
    });
    this.#closed = new Promise((resolve) => stream.once("close", resolve));
  }

  /** Lets the job begin. */
  release(variables: Readonly<Record<string, string>>): void {
    this.#stream.end(encodeVariables(variables));
  }

  /** A job that has not begun never will. */
  withhold(): void {
    this.#stream.destroy();
  }

  /** Whether the job has begun. To be asked when its first process has ended. */
  async hasBegun(): Promise<boolean> {
    if (!this.#hasBegun)
      await Promise.race([this.#closed, delay(ARRIVAL_MS, null, { ref: false })]);
    return this.#hasBegun;
  }
}
