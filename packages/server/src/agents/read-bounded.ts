import { JobctlError } from "@jobctl/protocol";

/** First allocation for a line or an answer; it doubles as it grows. */
const FIRST_BYTES = 4096;
const LINE_FEED = 10;

/** Bytes that arrive in pieces of any size, up to a bound. Each byte is copied a few times at most. */
class BoundedBuffer {
  #held = Buffer.allocUnsafe(FIRST_BYTES);
  #size = 0;

  /** @returns whether it fits */
  append(piece: Buffer, maxBytes: number): boolean {
    const size = this.#size + piece.length;
    if (size > maxBytes) return false;
    if (size > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(size, Math.min(maxBytes, 2 * this.#held.length)));
      this.#held.copy(grown, 0, 0, this.#size);
      this.#held = grown;
    }
    piece.copy(this.#held, this.#size);
    this.#size = size;
    return true;
  }

  /** The text so far; what comes next begins a new one. */
  take(): string {
    const text = this.#held.toString("utf8", 0, this.#size);
    this.#size = 0;
    if (this.#held.length > 16 * FIRST_BYTES) this.#held = Buffer.allocUnsafe(FIRST_BYTES);
    return text;
  }
}

/**
 * Splits a stream into lines, in linear time and bounded memory.
 *
 * @param maxBytes of the next line, asked again for each piece
 * @throws JobctlError `agent_answer_invalid` for a line that is longer
 */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  maxBytes: () => number,
): AsyncGenerator<string> {
  const line = new BoundedBuffer();
  const append = (piece: Buffer): void => {
    const limit = maxBytes();
    if (!line.append(piece, limit)) throw tooLong("a line", limit);
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) !== -1; start = end + 1) {
      append(chunk.subarray(start, end));
      yield line.take();
    }
    append(chunk.subarray(start));
  }
}

/**
 * Reads a short answer.
 *
 * @throws JobctlError `agent_answer_invalid` when it is longer
 */
export async function readText(source: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const text = new BoundedBuffer();
  for await (const chunk of source) {
    if (!text.append(chunk, maxBytes)) throw tooLong("an answer", maxBytes);
  }
  return text.take();
}

function tooLong(what: string, maxBytes: number): JobctlError {
  return new JobctlError("agent_answer_invalid", `${what} has more than ${maxBytes} bytes`);
}
