import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { syncDirectory } from "@jobctl/daemon/files";
import { JobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";
import { z } from "zod";

import { damagedDatabase, isDamage } from "./damage.js";

/** Where the database and everything beside it lie. */
export interface DataPaths {
  readonly dataPath: string;
  readonly dbPath: string;
}

/** What a database says of itself. */
export interface DatabaseIdentity {
  /** The installation that it belongs to; null in one that does not say so yet. */
  readonly id: string | null;
  /** Whether jobs in it refer to stored files. */
  readonly hasFiles: boolean;
  /** The highest id of a job that it has given out; 0 before the first. */
  readonly lastJobId: number;
}

const noteSchema = z.object({
  schema: z.literal("jobctl.installation/v1"),
  id: z.uuid(),
  /** The database had given out this id when files were last removed, or when it was restored. */
  lastJobId: z.int().nonnegative().optional(),
  /** Ids up to this one may have been given out; exact when the server has ended as it should. */
  reservedJobId: z.int().nonnegative().optional(),
  /** The database was found without jobs that had been acknowledged, of these ids; until `gc --force`. */
  lostJobs: z.object({ first: z.int().positive(), last: z.int().positive() }).optional(),
});

export type InstallationNote = z.infer<typeof noteSchema>;

const notePath = (dataPath: string): string => join(dataPath, "installation.json");

/**
 * The note that lies in a data folder; null when it has none.
 *
 * @throws JobctlError `data_mismatch` when the note cannot be read
 */
export function readInstallationNote(dataPath: string): InstallationNote | null {
  const path = notePath(dataPath);
  try {
    return noteSchema.parse(JSON.parse(readStart(path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new JobctlError(
      "data_mismatch",
      `${path} cannot be read as the note of an installation`,
      {
        hint: "It says which installation the data folder belongs to. Restore it; if the database and the blobs are certainly those that belong together, move it away, and the server writes it again.",
        cause: error,
      },
    );
  }
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** A note is far shorter than this. */
const MAX_NOTE_BYTES = 4096;

/** @throws the system's error; for what is not a regular file, too */
function readStart(path: string): string {
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error("it is not a regular file");
    const content = Buffer.alloc(MAX_NOTE_BYTES);
    return content.toString("utf8", 0, readSync(descriptor, content));
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the note durably, where there is none. */
export async function writeInstallationNote(
  dataPath: string,
  id: string,
  lastJobId: number,
): Promise<void> {
  if (existsSync(notePath(dataPath))) return;
  writeNote(dataPath, { schema: "jobctl.installation/v1", id, lastJobId });
}

/** Notes durably how far the database has come, where there is a note that does not say so yet. */
export async function noteLastJobId(dataPath: string, lastJobId: number): Promise<void> {
  const noted = readInstallationNote(dataPath);
  if (noted === null || (noted.lastJobId ?? -1) >= lastJobId) return;
  updateInstallationNote(dataPath, { lastJobId });
}

/** Changes the note durably, where there is one. @throws the system's error when it cannot be written */
export function updateInstallationNote(dataPath: string, change: Partial<InstallationNote>): void {
  const noted = readInstallationNote(dataPath);
  if (noted !== null) writeNote(dataPath, { ...noted, ...change });
}

/** Synchronous, so that two changes of the note do not overtake each other. */
function writeNote(dataPath: string, note: InstallationNote): void {
  const path = notePath(dataPath);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(note)}\n`, { flag: "wx", mode: 0o600, flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dataPath);
}

/**
 * Refuses to make a database beside data that belong to one.
 *
 * @throws JobctlError `data_mismatch`
 */
export function refuseNewDatabase(paths: DataPaths): void {
  const id = readInstallationNote(paths.dataPath)?.id ?? null;
  const hasBlobs = hasStoredFiles(paths.dataPath);
  if (id === null && !hasBlobs) return;
  const of = id === null ? "" : ` of installation ${id}`;
  const what = hasBlobs ? `stored files${of}` : `the note${of}`;
  const missing = existsSync(paths.dbPath) ? "is empty" : "is missing";
  throw mismatch(
    paths,
    `the data folder ${paths.dataPath} has no database (${paths.dbPath} ${missing}) and has ${what}`,
  );
}

/**
 * Refuses a database that does not belong to its data folder.
 *
 * @throws JobctlError `data_mismatch`
 */
export function refuseForeignDatabase(paths: DataPaths, found: DatabaseIdentity): void {
  const { dataPath, dbPath } = paths;
  const noted = readInstallationNote(dataPath);
  if (noted !== null && noted.id !== found.id)
    throw mismatch(
      paths,
      `the database ${dbPath} belongs to installation ${found.id ?? "(none)"}, and the data folder ${dataPath} belongs to ${noted.id}`,
    );
  refuseOlderDatabase(paths, found.lastJobId);
  if (found.hasFiles && !hasStoredFiles(dataPath))
    throw mismatch(
      paths,
      `the data folder ${dataPath} has no stored files, and jobs in the database ${dbPath} refer to files in it`,
    );
}

/**
 * Refuses a database that has given out fewer ids than the data folder knows of: it is an old copy.
 *
 * @throws JobctlError `data_mismatch`
 */
export function refuseOlderDatabase(paths: DataPaths, lastJobId: number): void {
  const { dataPath, dbPath } = paths;
  const noted = readInstallationNote(dataPath)?.lastJobId ?? 0;
  if (lastJobId >= noted) return;
  throw mismatch(
    paths,
    `the database ${dbPath} is older than its data folder ${dataPath}: its last job is ${lastJobId}, and the folder has known job ${noted}`,
  );
}

function mismatch({ dataPath }: DataPaths, message: string): JobctlError {
  return new JobctlError("data_mismatch", message, {
    hint: `Put the right database, or the right volume, back in its place. Or restore a backup: jobctl restore BACKUP/latest --data ${dataPath} --force --take-over. Or begin anew, which sets aside what is there: jobctl-server --new; with jobctl up, give another directory: --data.`,
  });
}

function hasStoredFiles(dataPath: string): boolean {
  const root = join(dataPath, "blobs/sha256");
  return readNames(root).some((prefix) => readNames(join(root, prefix)).length > 0);
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/**
 * Makes room for a new server where the database and the data folder contradict each other: moves the
 * database, the blobs and the note into a directory beside them. To be called by whoever holds the lock.
 *
 * @returns where they are; null when there is no contradiction, and nothing has been moved
 */
export function setAsideForNew(paths: DataPaths, at: number): string | null {
  if (!isContradiction(paths)) return null;
  const { dataPath, dbPath } = paths;
  const aside = join(dataPath, `before-${at}`);
  mkdirSync(aside, { mode: 0o700 });
  for (const name of ["blobs", "installation.json", "last-job-id"])
    moveIfThere(join(dataPath, name), join(aside, name));
  // Beside itself: it may lie on another volume. Its log keeps the name that SQLite looks for.
  for (const suffix of ["", "-wal", "-shm"])
    moveIfThere(`${dbPath}${suffix}`, `${dbPath}.before-${at}${suffix}`);
  syncDirectory(dataPath);
  return aside;
}

/**
 * Looks whether a database belongs to its data folder, and leaves it as it is, whatever its schema version.
 * One that cannot be read for another reason than damage is let pass: whoever opens it says why.
 *
 * @throws JobctlError `data_mismatch`, `database_damaged`
 */
export function requireBelonging(paths: DataPaths): void {
  let found: DatabaseIdentity | null;
  try {
    found = readIdentity(paths.dbPath);
  } catch (error) {
    if (isDamage(error)) throw damagedDatabase(paths.dbPath, error);
    if (error instanceof Database.SqliteError) return;
    throw error;
  }
  if (found === null) refuseNewDatabase(paths);
  else refuseForeignDatabase(paths, found);
}

function isContradiction(paths: DataPaths): boolean {
  try {
    requireBelonging(paths);
    return false;
  } catch (error) {
    if (error instanceof JobctlError && error.code === "data_mismatch") return true;
    throw error;
  }
}

/** Null where there is no database, or one without tables. */
function readIdentity(dbPath: string): DatabaseIdentity | null {
  if ((statSync(dbPath, { throwIfNoEntry: false })?.size ?? 0) === 0) return null;
  const db = new Database(dbPath, { fileMustExist: true });
  try {
    const has = (table: string): boolean =>
      db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table) !== undefined;
    if (!has("jobs")) return null;
    const id = has("installation")
      ? db.prepare<[], string>("SELECT uuid FROM installation WHERE id = 1").pluck().get()
      : undefined;
    const file = db.prepare("SELECT 1 FROM jobs WHERE expired_at IS NULL LIMIT 1").get();
    const last = db
      .prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'")
      .pluck()
      .get();
    return { id: id ?? null, hasFiles: file !== undefined, lastJobId: last ?? 0 };
  } finally {
    db.close();
  }
}

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}
