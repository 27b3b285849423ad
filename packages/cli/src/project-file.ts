import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { JobctlError } from "@jobctl/protocol/error";

import { readSmallFile } from "./read-small-file.js";

/** Where a project's settings may be, in this order within one directory. Data only. */
const PROJECT_FILES = [
  ".jobctlrc.json",
  ".jobctlrc.yaml",
  "jobctl.config.json",
  "jobctl.config.yaml",
  "package.json",
] as const;

/** Longest file of settings. */
const MAX_FILE_BYTES = 64 * 1024;

/** Longest package.json, which holds much else. */
const MAX_PACKAGE_BYTES = 1024 * 1024;

/** A project's settings, not yet checked. */
export interface ProjectFile {
  readonly path: string;
  readonly content: unknown;
}

/**
 * Finds the settings of the project that a directory belongs to: in the directory or above, up to
 * the home directory or the root. `package.json` counts when it has a key `jobctl`. An empty file
 * does not count.
 *
 * The directory may come from anyone, so files are parsed as data. A library for this is no option:
 * those that exist follow imports and load code next to the data.
 *
 * @throws JobctlError `config_invalid` naming the file
 */
export async function findProjectFile(directory: string): Promise<ProjectFile | null> {
  const home = homedir();
  for (let at = resolve(directory); ; at = dirname(at)) {
    for (const name of PROJECT_FILES) {
      const content = await readProjectFile(join(at, name));
      if (content !== null) return { path: join(at, name), content };
    }
    if (at === home || at === dirname(at)) return null;
  }
}

/** Null for a file that does not count. */
async function readProjectFile(path: string): Promise<unknown> {
  const isPackage = path.endsWith("package.json");
  const read = readSmallFile(path, isPackage ? MAX_PACKAGE_BYTES : MAX_FILE_BYTES);
  if (read.kind === "absent") return null;
  if (read.kind === "unusable") throw invalid(path, `cannot be used: ${read.problem}`);
  if (read.text.trim() === "") return null;
  const content = await parse(path, read.text.replace(/^\uFEFF/, ""));
  if (!isPackage) return content;
  const settings =
    typeof content === "object" && content !== null && Object.hasOwn(content, "jobctl")
      ? (content as { jobctl: unknown }).jobctl
      : null;
  return settings ?? null;
}

async function parse(path: string, text: string): Promise<unknown> {
  const format = path.endsWith(".json") ? "JSON" : "YAML";
  try {
    if (format === "JSON") return JSON.parse(text);
    const { parse: parseYaml } = await import("yaml");
    return parseYaml(text, { logLevel: "error", maxAliasCount: 10, stringKeys: true });
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw invalid(path, `is not valid ${format}: ${reason}`, error);
  }
}

function invalid(path: string, problem: string, cause?: unknown): JobctlError {
  return new JobctlError("config_invalid", `${path} ${problem}`, {
    hint: "Correct it, or remove it.",
    cause,
  });
}
