import { writeFile } from "node:fs/promises";

import { fakeTimeLibrary } from "./requirements.js";

/** The time of day of one daemon, which can be set while it runs. Its monotonic clock stays the machine's. */
export class FakeClock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** @param file where the offset is kept */
  static async create(file: string): Promise<FakeClock> {
    const clock = new FakeClock(file);
    await clock.set(0);
    return clock;
  }

  /** @param offsetHours how far it is ahead of the machine's clock */
  async set(offsetHours: number): Promise<void> {
    await writeFile(this.#file, `${offsetHours < 0 ? "-" : "+"}${Math.abs(offsetHours)}h\n`);
  }

  /** What a daemon has to be started with. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: fakeTimeLibrary() ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }
}
