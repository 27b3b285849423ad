import { readFileSync, statSync } from "node:fs";

import { LIMITS } from "@jobctl/validator/checker";

/** A script, or of a file that is too large to be one a byte more than it may have; null when there is none. */
export function readScript(path: string): Uint8Array | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return null;
  return found.size > LIMITS.scriptBytes
    ? Buffer.alloc(LIMITS.scriptBytes + 1)
    : readFileSync(path);
}
