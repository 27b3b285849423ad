const NEWLINE = 0x0a;

/** Keeps the last lines of a stream and forgets the rest as it goes by. */
export class TailBuffer {
  readonly #lines: number;
  #chunks: Buffer[] = [];
  #newlines = 0;
  #totalBytes = 0;

  constructor(lines: number) {
    this.#lines = lines;
  }

  /** How many bytes have gone by. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  add(bytes: Buffer): void {
    this.#totalBytes += bytes.length;
    this.#chunks.push(bytes);
    this.#newlines += countNewlines(bytes);
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      const inFirst = countNewlines(first);
      if (this.#newlines - inFirst <= this.#lines) break;
      this.#newlines -= inFirst;
      this.#chunks.shift();
    }
  }

  get content(): Buffer {
    const all = Buffer.concat(this.#chunks);
    // A newline at the very end closes the last line, it does not begin another.
    let left = this.#lines + (all.at(-1) === NEWLINE ? 1 : 0);
    if (this.#lines === 0) return Buffer.alloc(0);
    for (let at = all.length - 1; at >= 0; at -= 1) {
      if (all[at] === NEWLINE && (left -= 1) === 0) return all.subarray(at + 1);
    }
    return all;
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
