import { JobctlError } from "@jobctl/protocol";

/** Reads an archive that is being sent, and tells trouble in reading from trouble in sending. */
export class ArchiveReader {
  readonly #open: () => AsyncIterable<Buffer>;
  #error: JobctlError | null = null;

  /** @param open called for each time that the archive is sent */
  constructor(open: () => AsyncIterable<Buffer>) {
    this.#open = open;
  }

  /** What the archive could not be read for the last time; null when it could. */
  get error(): JobctlError | null {
    return this.#error;
  }

  /** @throws JobctlError what it could not be read for; what a receiver throws into it is passed on */
  async *read(): AsyncGenerator<Buffer> {
    this.#error = null;
    const pieces = this.#open()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await pieces.next().catch((thrown: unknown) => {
          const error = readError(thrown);
          this.#error = error;
          throw error;
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await pieces.return?.();
    }
  }
}

function readError(thrown: unknown): JobctlError {
  if (thrown instanceof JobctlError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new JobctlError("file_system", `the stored archive cannot be read: ${message}`, {
    cause: thrown,
  });
}
