import { rename, writeFile } from "node:fs/promises";

import { fakeTimeLibrary } from "./requirements.js";

export interface FakeClockOptions {
  /** Whether its monotonic clock jumps as well, as no real one does. */
  readonly monotonic?: boolean;
}

/** The time of day of one daemon, which can be set while it runs. Its monotonic clock stays the machine's. */
export class FakeClock {
  readonly #path: string;
  readonly #options: FakeClockOptions;

  private constructor(path: string, options: FakeClockOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** @param path of a file in which the offset is kept */
  static async create(path: string, options: FakeClockOptions = {}): Promise<FakeClock> {
    const clock = new FakeClock(path, options);
    await clock.set(0);
    return clock;
  }

  /** @param offsetSeconds how far it is ahead of the machine's clock */
  async set(offsetSeconds: number): Promise<void> {
    const sign = offsetSeconds < 0 ? "-" : "+";
    await writeFile(`${this.#path}.new`, `${sign}${Math.abs(Math.round(offsetSeconds))}\n`);
    await rename(`${this.#path}.new`, this.#path);
  }

  /** What a daemon has to be started with. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: fakeTimeLibrary() ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_NO_CACHE: "1",
      NO_FAKE_STAT: "1",
      ...(this.#options.monotonic === true ? {} : { FAKETIME_DONT_FAKE_MONOTONIC: "1" }),
    };
  }
}
