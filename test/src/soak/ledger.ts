import type { Findings } from "./findings.js";
import type { Work } from "./work.js";

/** A job that the server has acknowledged. */
export interface Entry {
  readonly id: number;
  readonly key: string;
  readonly work: Work;
  /** Whether somebody has asked for a cancel. */
  cancelled: boolean;
  /** Whether a process of it was killed from outside: then it may end in any way. */
  struck: boolean;
  /** What was damaged of it. */
  damaged: "input" | "result" | null;
}

/** Every job that was acknowledged, with what may have become of it. */
export class Ledger {
  readonly #findings: Findings;
  readonly #entries = new Map<number, Entry>();
  readonly #ids = new Map<string, number>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Notes an acknowledgement; a second one for the same key has to name the same job. */
  acknowledge(id: number, key: string, work: Work): Entry {
    const known = this.#ids.get(key);
    if (known !== undefined && known !== id)
      this.#findings.violation(`key ${key} made two jobs: ${known} and ${id}`);
    const other = this.#entries.get(id);
    if (other !== undefined && other.key !== key)
      this.#findings.violation(`job ${id} was given to two keys: ${other.key} and ${key}`);
    const entry = other ?? { id, key, work, cancelled: false, struck: false, damaged: null };
    this.#entries.set(id, entry);
    this.#ids.set(key, id);
    return entry;
  }

  get(id: number): Entry | undefined {
    return this.#entries.get(id);
  }

  get entries(): readonly Entry[] {
    return [...this.#entries.values()];
  }
}
