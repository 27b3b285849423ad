import { open } from "node:fs/promises";

import { inspectResult } from "@jobctl/archive";
import { JobctlError } from "@jobctl/protocol";

import type { StagedBlob } from "./blob-store.js";

/**
 * Applies the rules for archives to results before they are stored: an agent may be wrong, or lie. One
 * result is inspected at a time, because the paths of a large one take memory.
 */
export class ResultIntake {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @returns why the result must not be stored; null when it may be
   * @throws the file system's error when it cannot be read
   */
  async problemWith(blob: StagedBlob): Promise<JobctlError | null> {
    const inspection = this.#last.then(() => inspect(blob));
    this.#last = inspection.catch(() => {});
    return inspection;
  }
}

async function inspect(blob: StagedBlob): Promise<JobctlError | null> {
  const file = await open(blob.path, "r");
  try {
    await inspectResult(file);
    return null;
  } catch (error) {
    if (error instanceof JobctlError) return error;
    throw error;
  } finally {
    await file.close();
  }
}
