/**
 * A source that its first reader may leave before the end, and that is read to its end all the same:
 * who made it checks a digest there.
 */
export class WholeSource {
  readonly #iterator: AsyncIterator<Buffer>;
  #failure: { readonly error: unknown } | null = null;

  constructor(source: AsyncIterable<Buffer>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** For the first reader; leaving it early does not close the source. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return { next: () => this.#next() };
  }

  /**
   * Reads what the first reader has left, and throws it away.
   *
   * @throws what the source throws, also when the first reader did not wait to hear of it
   */
  async drain(): Promise<void> {
    while ((await this.#next()).done !== true);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Closes the source where it is; does not wait for a piece that is still on its way. */
  abandon(): void {
    this.#iterator.return?.().catch(() => {});
  }

  async #next(): Promise<IteratorResult<Buffer>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}
