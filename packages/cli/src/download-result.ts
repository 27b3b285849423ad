import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { lstat, mkdir, open, rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";

import { NO_LIMITS, unpackArchive, walkAll } from "@jobctl/archive";
import { requirePlainPath } from "@jobctl/daemon/files";
import type { Job } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import type { ApiClient } from "./api-client.js";
import type { ListedFile } from "./check-listing.js";
import { named } from "./system-error.js";
import { withTemporary } from "./temporary.js";

const RESUME_FOR_MS = 60_000;
/** A server that sends nothing so often in a row has nothing more to send. */
const MAX_EMPTY_ANSWERS = 5;

export interface DownloadOptions {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Unpacks the result of a job into a directory. It arrives in a temporary directory beside it and
 * is moved when it is complete and its digest is right, so a broken transfer leaves nothing behind.
 *
 * @param force whether files that exist may be replaced
 * @throws JobctlError `file_exists`, `digest_mismatch`, `server_unreachable`, the server's
 */
export async function downloadInto(
  job: Job,
  directory: string,
  force: boolean,
  options: DownloadOptions,
): Promise<void> {
  const source = verified(job, resumed(resultOf(job), options));
  await unpackBeside(source, directory, force);
}

/** Unpacks the workspace of a running job, as it is now. It has no digest of its own. */
export async function downloadPartial(
  id: number,
  directory: string,
  force: boolean,
  options: DownloadOptions,
): Promise<number> {
  const answer = await options.client.send(`/v1/jobs/${id}/workspace`, { signal: options.signal });
  let sizeBytes = 0;
  const counted = (async function* () {
    for await (const chunk of answer.body) {
      sizeBytes += (chunk as Buffer).length;
      options.onBytes((chunk as Buffer).length);
      yield chunk as Buffer;
    }
  })();
  await unpackBeside(counted, directory, force);
  return sizeBytes;
}

/** Saves the archive as one file. */
export async function downloadArchive(
  job: Job,
  path: string,
  force: boolean,
  options: DownloadOptions,
): Promise<void> {
  if (!force) await checkAbsent(path, path);
  await mkdir(dirname(requirePlainPath("--archive", path)), { recursive: true });
  await writeBeside(verified(job, resumed(resultOf(job), options)), path);
}

/**
 * Fetches single files of a result, without the rest of it.
 *
 * @param files as `checkListing()` returns them
 * @throws JobctlError `file_exists`, also for a symlink on the way to a file; `digest_mismatch` for
 *   a file that is not as long as listed; the server's, `blob_damaged` among them
 */
export async function downloadFiles(
  id: number,
  files: readonly ListedFile[],
  directory: string,
  force: boolean,
  options: DownloadOptions,
): Promise<number> {
  requirePlainPath("download", directory);
  let sizeBytes = 0;
  const swept = new Set<string>();
  for (const { path } of files) {
    await checkWay(directory, path);
    if (!force) await checkAbsent(join(directory, path), path);
  }
  for (const file of files) {
    const target = join(directory, file.path);
    await mkdir(dirname(target), { recursive: true });
    await checkWay(directory, file.path);
    const encoded = file.path.split("/").map(encodeURIComponent).join("/");
    const { path: what, sizeBytes: fileBytes } = file;
    const url = `/v1/jobs/${id}/files/${encoded}`;
    const content = resumed({ what, url, sizeBytes: fileBytes, sha256: null }, options);
    await writeBeside(content, target, Number.parseInt(file.mode, 8) & 0o777, swept);
    sizeBytes += fileBytes;
  }
  return sizeBytes;
}

/** Checks that no symlink below a directory, such as one of an earlier result, leads a file elsewhere. */
async function checkWay(directory: string, path: string): Promise<void> {
  for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
    const parent = join(directory, path.slice(0, end));
    const found = await lstat(parent).catch(() => null);
    if (found === null) return;
    if (found.isDirectory()) continue;
    throw new JobctlError(
      "file_exists",
      `${parent} is ${found.isSymbolicLink() ? "a symlink" : "not a directory"}, so ${path} cannot be written below it`,
      { hint: "Choose another place with -o.", details: { path: parent } },
    );
  }
}

/** What is fetched, from where, and how large it is. */
interface Source {
  readonly what: string;
  readonly url: string;
  readonly sizeBytes: number;
  /** Null where there is none. */
  readonly sha256: string | null;
}

const resultOf = ({ id, result }: Job): Source => ({
  what: `the result of job ${id}`,
  url: `/v1/jobs/${id}/result`,
  sizeBytes: result?.sizeBytes ?? 0,
  sha256: result?.sha256 ?? null,
});

/**
 * One stream that goes on where it was cut. What is damaged on the server is cut as well; a request for the rest is
 * told why.
 */
async function* resumed(source: Source, options: DownloadOptions): AsyncGenerator<Buffer> {
  const { what, url, sizeBytes, sha256 } = source;
  const ifRange = sha256 === null ? {} : { "if-range": `"${sha256}"` };
  let failures = 0;
  let offset = 0;
  do {
    const begin = offset;
    const answer = await options.client.send(url, {
      headers: offset === 0 ? {} : { range: `bytes=${offset}-`, ...ifRange },
      signal: options.signal,
      retryForMs: RESUME_FOR_MS,
    });
    if (offset > 0 && answer.status !== 206)
      throw new JobctlError("digest_mismatch", `${what} changed during the download`);
    try {
      for await (const chunk of answer.body) {
        const bytes = chunk as Buffer;
        offset += bytes.length;
        if (offset > sizeBytes) throw wrongLength(source, `more than ${sizeBytes}`);
        options.onBytes(bytes.length);
        yield bytes;
      }
    } catch (error) {
      if (error instanceof JobctlError) throw error;
      // Cut in the middle: the next request asks for the rest.
      options.signal.throwIfAborted();
    }
    failures = offset > begin ? 0 : failures + 1;
    if (failures === MAX_EMPTY_ANSWERS) throw wrongLength(source, `${offset} of ${sizeBytes}`);
    if (failures > 0) await delay(failures * 100, undefined, { signal: options.signal });
  } while (offset < sizeBytes);
}

function wrongLength({ what }: Source, received: string): JobctlError {
  return new JobctlError("digest_mismatch", `${what} arrived with ${received} bytes`, {
    hint: "It was not written. Try again.",
  });
}

async function* verified(job: Job, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const arrived = hash.digest("hex");
  if (arrived === job.result?.sha256) return;
  throw new JobctlError(
    "digest_mismatch",
    `the result of job ${job.id} arrived with SHA-256 ${arrived}, expected ${job.result?.sha256}`,
    {
      hint: "Nothing was written. Try again.",
    },
  );
}

async function unpackBeside(
  source: AsyncIterable<Buffer>,
  directory: string,
  force: boolean,
): Promise<void> {
  const target = requirePlainPath("download", directory);
  await mkdir(dirname(target), { recursive: true });
  await withTemporary(target, async (temporary) => {
    await mkdir(temporary, { mode: 0o755 });
    try {
      await unpackArchive(source, temporary, { limits: NO_LIMITS });
      await moveInto(temporary, target, force);
    } catch (error) {
      throw named(error, directory);
    }
  });
}

/** Moves a tree to its place: as a whole where nothing is in the way, entry by entry otherwise. */
async function moveInto(from: string, target: string, force: boolean): Promise<void> {
  const there = await lstat(target).catch(() => null);
  if (there === null) return rename(from, target);
  if (!there.isDirectory()) throw fileExists(target);
  const entries = await walkAll(from);
  const obstacles = await findObstacles(entries, target, force);
  const first = obstacles[0];
  if (first !== undefined) throw fileExists(join(target, first), obstacles.length);
  for (const entry of entries) {
    const path = join(target, entry.path);
    if (entry.type === "directory") await mkdir(path, { recursive: true, mode: entry.mode });
    else await rename(join(from, entry.path), path);
  }
}

/** What cannot be written: a file that exists, and, even by force, one thing in the place of another. */
async function findObstacles(
  entries: readonly { path: string; type: string }[],
  target: string,
  force: boolean,
): Promise<string[]> {
  const obstacles: string[] = [];
  for (const { path, type } of entries) {
    const there = await lstat(join(target, path)).catch(() => null);
    if (there === null || (type === "directory" && there.isDirectory())) continue;
    if (!force || there.isDirectory() || type === "directory") obstacles.push(path);
  }
  return obstacles;
}

async function checkAbsent(path: string, shown: string): Promise<void> {
  if ((await lstat(path).catch(() => null)) !== null) throw fileExists(shown);
}

function fileExists(path: string, count = 1): JobctlError {
  const more = count > 1 ? `, and ${count - 1} more` : "";
  return new JobctlError("file_exists", `${path} exists already${more}`, {
    hint: "Nothing was written. Choose another place with -o, or overwrite with --force.",
    details: { path, count },
  });
}

async function writeBeside(
  source: AsyncIterable<Buffer>,
  path: string,
  mode = 0o644,
  swept?: Set<string>,
): Promise<void> {
  const write = async (temporary: string): Promise<void> => {
    try {
      await pipeline(Readable.from(source), createWriteStream(temporary, { flags: "wx", mode }));
      const file = await open(temporary, "r");
      await file.sync().finally(() => file.close());
      await rename(temporary, resolve(path));
    } catch (error) {
      throw named(error, path);
    }
  };
  await withTemporary(path, write, swept);
}
