import { rename, writeFile } from "node:fs/promises";

/**
 * The wall clock of a daemon that is started with `environment`, as libfaketime shows it. Its monotonic clock stays
 * as it is, as it does when somebody sets the time of a machine.
 */
export class FakeClock {
  readonly #path: string;
  readonly #library: string;

  private constructor(path: string, library: string) {
    this.#path = path;
    this.#library = library;
  }

  static async create(path: string, library: string): Promise<FakeClock> {
    const clock = new FakeClock(path, library);
    await clock.set(0);
    return clock;
  }

  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#path,
      // Seconds after which the file is read again.
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** Sets the clock to so many seconds after the real time. */
  async set(offsetSeconds: number): Promise<void> {
    const sign = offsetSeconds < 0 ? "-" : "+";
    await writeFile(`${this.#path}.new`, `${sign}${Math.abs(Math.round(offsetSeconds))}\n`);
    await rename(`${this.#path}.new`, this.#path);
  }
}
