import { archiveInvalid } from "./archive-invalid.js";
import { coalesce } from "./coalesce.js";
import type { RawEntry } from "./entry.js";
import { BLOCK, TarHeaders, padded, problemOf } from "./tar-headers.js";

const CUT_SHORT = "it is cut short in the middle of an entry";

/**
 * Passes a plain tar on while it looks at each header, and ends at the end mark (two blocks of
 * zeros): what comes after it is not read. An archive may also end where its last entry does.
 *
 * Each piece that it yields is a whole number of blocks, and holds extended headers whole.
 *
 * @param onEntry called before the entry is passed on; what it throws ends the scan
 * @throws JobctlError `archive_invalid`
 */
export async function* scanTar(
  source: AsyncIterable<Buffer>,
  onEntry: (entry: RawEntry) => void,
): AsyncGenerator<Buffer> {
  const headers = new TarHeaders();
  let isEmpty = true;
  let isStarted = false;
  let rest: Buffer = Buffer.alloc(0);
  /** What is left of the content that is being passed over, with its padding. */
  let contentBytes = 0;
  /** Size of the extended header at the beginning of the rest. */
  let extension: number | null = null;
  for await (const chunk of coalesce(source)) {
    isEmpty = false;
    const piece = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      if (extension !== null) {
        const end = at + BLOCK + padded(extension);
        if (piece.length < end) break;
        headers.extend(piece.subarray(at + BLOCK, at + BLOCK + extension));
        extension = null;
        at = end;
      }
      const passed = Math.min(contentBytes, wholeBlocks(piece.length - at));
      at += passed;
      contentBytes -= passed;
      if (contentBytes > 0 || piece.length - at < BLOCK) break;
      const found = headers.read(piece, at);
      if (found.kind === "end") {
        yield piece.subarray(0, at + BLOCK);
        return;
      }
      if (found.kind === "extension") {
        extension = found.sizeBytes;
        continue;
      }
      if (found.kind === "entry") {
        onEntry(found.entry);
        contentBytes = padded(found.entry.size);
      }
      at += BLOCK;
    }
    if (at > 0) yield piece.subarray(0, at);
    rest = piece.subarray(at);
    isStarted ||= at > 0;
  }
  if (isEmpty) throw archiveInvalid("it is empty");
  if (!isStarted) {
    throw archiveInvalid(extension === null ? problemOf(rest, true) : CUT_SHORT);
  }
  if (contentBytes > 0 || rest.length > 0) throw archiveInvalid(CUT_SHORT);
}

function wholeBlocks(bytes: number): number {
  return bytes - (bytes % BLOCK);
}
