import { readFileSync, statSync } from "node:fs";

import { MAX_SCRIPT_BYTES } from "@jobctl/validator";

/** A script, or of a file that is too large to be one its size in zeros; null when there is none. */
export function readScript(path: string): Uint8Array | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return null;
  return found.size > MAX_SCRIPT_BYTES ? Buffer.alloc(MAX_SCRIPT_BYTES + 1) : readFileSync(path);
}
