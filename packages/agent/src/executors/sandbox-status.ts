import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { identifyProcess, type ProcessId } from "./process-table.js";

/** After the end of bubblewrap, for what it has written to arrive. */
export const STATUS_MS = 1000;

/**
 * What bubblewrap tells of a sandbox: the id of its first process, and, only when everything was set up, how
 * it ended. The pipe is read to its end: bubblewrap would be killed by writing to a closed one.
 */
export class SandboxStatus {
  /** As seen from here; everything else in the sandbox dies with it. Null when there never was one. */
  readonly init: Promise<ProcessId | null>;
  readonly #ended: Promise<void>;
  #text = "";

  constructor(source: Readable) {
    this.init = new Promise((resolve) => {
      source.on("data", (chunk: Buffer) => {
        this.#text += chunk.toString("utf8");
        const initPid = /"child-pid": (\d+)/.exec(this.#text)?.[1];
        if (initPid !== undefined) resolve(identifyProcess(Number(initPid)));
      });
      source.on("error", () => resolve(null));
      source.on("end", () => resolve(null));
    });
    this.#ended = new Promise((resolve) => source.once("close", resolve));
  }

  /** To be asked when bubblewrap has ended by itself. */
  async wasSetUp(): Promise<boolean> {
    await Promise.race([this.#ended, delay(STATUS_MS)]);
    return this.#text.includes('"exit-code"');
  }
}
