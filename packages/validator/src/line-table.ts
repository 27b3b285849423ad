/** A place in a text, from 1; columns count code points. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Lines of a text, to tell where an offset lies. Quickest when it is asked in order: a text may be one long line. */
export class LineTable {
  readonly #text: string;
  readonly #starts: number[] = [0];
  /** The offset that was asked for last, and the code points before it in its line. */
  #last = { start: 0, offset: 0, before: 0 };

  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1))
      this.#starts.push(at + 1);
  }

  /** @param offset in UTF-16 units; what lies behind the text is taken for its end */
  place(offset: number): Place {
    const wanted = Math.min(offset, this.#text.length);
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= wanted) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: this.#codePoints(this.#starts[low] ?? 0, wanted) + 1 };
  }

  /** The text of a line, from 1, without its end. */
  line(number: number): string {
    const start = this.#starts[number - 1] ?? 0;
    const end = (this.#starts[number] ?? this.#text.length + 1) - 1;
    const withoutCr = this.#text[end - 1] === "\r" && end > start ? end - 1 : end;
    return this.#text.slice(start, withoutCr);
  }

  #codePoints(start: number, offset: number): number {
    const last = this.#last;
    const goesOn = last.start === start && last.offset <= offset;
    let before = goesOn ? last.before : 0;
    for (let at = goesOn ? last.offset : start; at < offset; at += 1) {
      // The second half of a pair counts with the first.
      if ((this.#text.charCodeAt(at) & 0xfc00) !== 0xdc00 || at === start) before += 1;
    }
    this.#last = { start, offset, before };
    return before;
  }
}
