import { wallClock, type Logger } from "@jobctl/daemon";
import type { BlobUser, DamagedBlob as ShownDamage } from "@jobctl/protocol";

import type { BlobRecords } from "../blobs/blob-records.js";
import type { Checksums } from "../blobs/checksums.js";
import type { ChecksumStore } from "../store/checksum-store.js";
import type { DamageStore, DamagedBlob } from "../store/damage-store.js";

/** Checksums that have come within this time are stored together. */
const SAVE_AFTER_MS = 200;

/** Noted of a blob that jobs refer to and that is not there. */
const MISSING = "it is missing";

export interface BlobWatchParts {
  readonly checksums: ChecksumStore;
  readonly damage: DamageStore;
  readonly logger: Logger;
}

/**
 * Remembers the checksums of blobs, and which blobs are damaged. What cannot be stored is kept in memory
 * where it matters, and found again where it does not.
 */
export class BlobWatch implements BlobRecords {
  readonly #parts: BlobWatchParts;
  readonly #damaged: Map<string, DamagedBlob>;
  #unsaved = new Map<string, Checksums>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: BlobWatchParts) {
    this.#parts = parts;
    this.#damaged = new Map(parts.damage.list().map((blob) => [blob.sha256, blob]));
  }

  /** Every blob that is damaged as far as is known, and is there, the first found first. */
  get present(): ShownDamage[] {
    return this.damaged.filter(({ found }) => found !== MISSING);
  }

  /** Every blob that is damaged or missing as far as is known, the first found first. */
  get damaged(): ShownDamage[] {
    return [...this.#damaged.values()].map(({ foundAt, jobs, ...blob }) => ({
      ...blob,
      foundAt: new Date(foundAt).toISOString(),
      jobs: [...jobs],
    }));
  }

  /** Of blobs that are there and not what they were, or cannot be read. */
  get damagedCount(): number {
    return this.#damaged.size - this.missingCount;
  }

  get missingCount(): number {
    return [...this.#damaged.values()].filter(({ found }) => found === MISSING).length;
  }

  isDamaged(sha256: string): boolean {
    return this.#damaged.has(sha256);
  }

  /** What is wrong with a blob, for people; null when no damage is known. */
  damageOf(sha256: string): string | null {
    return this.#damaged.get(sha256)?.found ?? null;
  }

  /** Jobs that refer to a blob, the first thousand of them. */
  usersOf(sha256: string): BlobUser[] {
    return this.#parts.damage.usersOf(sha256);
  }

  findChecksums(sha256: string): Checksums | null {
    return this.#unsaved.get(sha256) ?? this.#parts.checksums.find(sha256);
  }

  saveChecksums(sha256: string, checksums: Checksums): void {
    this.#unsaved.set(sha256, checksums);
    this.#timer ??= setTimeout(() => this.flush(), SAVE_AFTER_MS).unref();
  }

  /** Stores what has come in the meantime; without it a blob is read through once more. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const entries = this.#unsaved;
    this.#unsaved = new Map();
    if (entries.size > 0)
      this.#tryTo("store checksums", () => this.#parts.checksums.putAll(entries));
  }

  forget(digests: readonly string[]): void {
    for (const sha256 of digests) this.#unsaved.delete(sha256);
    this.#tryTo("forget checksums", () => this.#parts.checksums.removeAll(digests));
    for (const sha256 of digests) {
      const damage = this.#forgetDamage(sha256);
      if (damage !== null) this.#parts.logger.warn({ event: "damaged_blob_removed", ...damage });
    }
  }

  noteDamage(sha256: string, found: string): void {
    if (this.#damaged.get(sha256)?.found === found) return;
    const damage = { sha256, foundAt: wallClock(), found, jobs: this.usersOf(sha256) };
    this.#damaged.set(sha256, damage);
    this.#parts.logger.error({ event: "blob_damaged", ...damage });
    this.#tryTo("note damage", () => this.#parts.damage.put(damage));
  }

  noteMissing(sha256: string): void {
    this.noteDamage(sha256, MISSING);
  }

  noteIntact(sha256: string): void {
    const damage = this.#forgetDamage(sha256);
    if (damage !== null) this.#parts.logger.info({ event: "blob_intact_again", ...damage });
  }

  #forgetDamage(sha256: string): DamagedBlob | null {
    const damage = this.#damaged.get(sha256);
    if (damage === undefined) return null;
    this.#damaged.delete(sha256);
    this.#tryTo("forget damage", () => this.#parts.damage.remove(sha256));
    return damage;
  }

  #tryTo(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.logger.warn({ event: "blob_record_not_stored", what, err: error });
    }
  }
}
