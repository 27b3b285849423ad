import { JobctlError } from "@jobctl/protocol/error";

/** A file of a result that may be fetched under its path. */
export interface ListedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Permission bits as an octal string, such as `0755`. */
  readonly mode: string;
}

/** Most entries of a listing; a job's archive has at most as many by default. */
const MAX_ENTRIES = 1_000_000;

/** PATH_MAX and NAME_MAX of Linux. */
const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;

/**
 * Checks the listing of a result before anything of it is written. A server, or the agent that made
 * the result, may list anything: each path has to stay below the directory that it is joined to.
 *
 * @returns the files
 * @throws JobctlError `archive_unsafe_entry` naming the first entry that is not acceptable
 */
export function checkListing(items: unknown): ListedFile[] {
  if (!Array.isArray(items) || items.length > MAX_ENTRIES) {
    throw unsafe("the listing", `is not a list of at most ${MAX_ENTRIES} entries`);
  }
  const types = new Map<string, string>();
  const files: ListedFile[] = [];
  for (const item of items as unknown[]) {
    const { path, type, sizeBytes, mode } = (item ?? {}) as Record<string, unknown>;
    if (typeof path !== "string") throw unsafe(JSON.stringify(path) ?? "an entry", "is not a text");
    const problem = pathProblem(path);
    if (problem !== null) throw unsafe(quoted(path), problem);
    if (types.has(path)) throw unsafe(quoted(path), "is listed twice");
    types.set(path, String(type));
    if (type !== "file" && type !== "hardlink") continue;
    if (!Number.isSafeInteger(sizeBytes) || (sizeBytes as number) < 0) {
      throw unsafe(quoted(path), "has no valid size");
    }
    if (typeof mode !== "string" || !/^[0-7]{3,5}$/.test(mode)) {
      throw unsafe(quoted(path), "has no valid mode");
    }
    files.push({ path, sizeBytes: sizeBytes as number, mode });
  }
  for (const { path } of files) checkAncestors(path, types);
  return files;
}

function pathProblem(path: string): string | null {
  if (path.includes("\0")) return "has a NUL character in its path";
  if (Buffer.from(path).toString() !== path) return "is not valid Unicode";
  if (path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path)) return "has an absolute path";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    return `has a path of more than ${MAX_PATH_BYTES} bytes`;
  }
  if (path.includes("\\") && path.split(/[\\/]/).includes("..")) {
    return 'has a ".." segment behind a backslash';
  }
  for (const name of path.split("/")) {
    if (name === "") return "has an empty name in its path";
    if (name === "." || name === "..") return `has a ${JSON.stringify(name)} segment in its path`;
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      return `has a name of more than ${MAX_NAME_BYTES} bytes`;
    }
  }
  return null;
}

function checkAncestors(path: string, types: ReadonlyMap<string, string>): void {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const type = types.get(path.slice(0, end));
    if (type !== undefined && type !== "directory") {
      throw unsafe(quoted(path), `lies below ${quoted(path.slice(0, end))}, which is no directory`);
    }
  }
}

function quoted(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}

function unsafe(entry: string, problem: string): JobctlError {
  return new JobctlError(
    "archive_unsafe_entry",
    `the server lists a file that cannot be written safely: ${entry} ${problem}`,
    { hint: "Nothing was written. Tell the operator: the server or an agent may not be sound." },
  );
}
