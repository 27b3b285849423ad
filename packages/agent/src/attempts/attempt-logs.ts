import type { Readable } from "node:stream";

import type { LogStream } from "@jobctl/protocol";

import { LogFile } from "../workspace/log-file.js";
import type { AttemptPaths } from "../workspace/workspace.js";

export interface CaptureEvents {
  /** The disk does not take it: true tries again, and until then nothing is read; false drops it. */
  onFull(problem: unknown): Promise<boolean>;
  /** There is more than the log may have. */
  onOverflow(): void;
}

/** Both output streams of an attempt, on disk. */
export class AttemptLogs {
  readonly #files: Readonly<Record<LogStream, LogFile>>;

  private constructor(files: Record<LogStream, LogFile>) {
    this.#files = files;
  }

  /** @param maxBytes of each stream */
  static async open(paths: AttemptPaths, maxBytes: number): Promise<AttemptLogs> {
    const stdout = await LogFile.open(paths.stdout, maxBytes);
    try {
      return new AttemptLogs({ stdout, stderr: await LogFile.open(paths.stderr, maxBytes) });
    } catch (error) {
      await stdout.finish();
      throw error;
    }
  }

  /** Copies what a process prints until it ends. */
  async capture(source: Readable, stream: LogStream, events: CaptureEvents): Promise<void> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (await this.#files[stream].append(chunk, (problem) => events.onFull(problem))) continue;
      events.onOverflow();
    }
  }

  /** The bytes from an offset on; with `follow` also those that are still to come. */
  read(stream: LogStream, offset: number, follow: boolean, signal: AbortSignal) {
    return this.#files[stream].read(offset, follow, signal);
  }

  /** Which output was kept and is not there any more, in words; null when all of it is. */
  get problem(): string | null {
    const problems = Object.entries(this.#files).flatMap(([stream, { missingBytes, size }]) =>
      missingBytes === 0 ? [] : [`${missingBytes} of ${size} bytes of its ${stream} are missing`],
    );
    if (problems.length === 0) return null;
    return `${problems.join(" and ")}: the file was removed or changed while it ran`;
  }

  /**
   * Nothing more will be printed. Both files are closed, also when it throws.
   *
   * @throws the system's error, once
   */
  async finish(): Promise<void> {
    const ends = await Promise.allSettled(Object.values(this.#files).map((file) => file.finish()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}
