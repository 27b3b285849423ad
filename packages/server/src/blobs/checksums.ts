import { crc32 } from "node:zlib";

/** Bytes of a blob that one checksum is for: a range costs only the pieces that it touches. */
export const PIECE_BYTES = 64 * 1024;

const CHECKSUM_BYTES = 4;

/** CRC-32 of each piece of a blob, one after the other, four bytes each, big-endian. */
export interface Checksums {
  readonly sizeBytes: number;
  readonly pieces: Buffer;
}

/** Whether a blob needs checksums: its name is the digest of a blob of one piece. */
export function hasChecksums(sizeBytes: number): boolean {
  return sizeBytes > PIECE_BYTES;
}

/** Takes the checksums of a stream, however it is cut. */
export class ChecksumTaker {
  readonly #sums: number[] = [];
  #sizeBytes = 0;
  #sum = 0;

  update(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const filled = this.#sizeBytes % PIECE_BYTES;
      const part = chunk.subarray(at, at + PIECE_BYTES - filled);
      this.#sum = crc32(part, filled === 0 ? 0 : this.#sum);
      this.#sizeBytes += part.length;
      at += part.length;
      if (filled + part.length === PIECE_BYTES) this.#sums.push(this.#sum);
    }
  }

  end(): Checksums {
    if (this.#sizeBytes % PIECE_BYTES > 0) this.#sums.push(this.#sum);
    const pieces = Buffer.alloc(this.#sums.length * CHECKSUM_BYTES);
    for (const [index, sum] of this.#sums.entries())
      pieces.writeUInt32BE(sum, index * CHECKSUM_BYTES);
    return { sizeBytes: this.#sizeBytes, pieces };
  }
}

/** Whether these bytes are what they were, given that they begin with a piece. */
export function areRight(bytes: Buffer, firstPiece: number, { pieces }: Checksums): boolean {
  for (let at = 0, piece = firstPiece; at < bytes.length; at += PIECE_BYTES, piece += 1) {
    const offset = piece * CHECKSUM_BYTES;
    if (offset >= pieces.length) return false;
    if (crc32(bytes.subarray(at, at + PIECE_BYTES)) !== pieces.readUInt32BE(offset)) return false;
  }
  return true;
}
