import { readFileSync, statSync } from "node:fs";

import { JobctlError } from "@jobctl/protocol";

import type { Environment } from "./config.js";

/** How long what was read from a file is used before the file is looked at again. */
const RECHECK_MS = 1000;

/**
 * A secret that can be replaced while the daemon runs: its file holds the valid values, one a line, and
 * is read again when it has changed. With two lines both are accepted, and the first is the one that is
 * sent to others; so a token can be replaced on either side first.
 */
export class Secret {
  readonly #file: string | null;
  #values: readonly string[];
  #version: string;
  #checkedAtMs: number;

  private constructor(file: string | null, values: readonly string[], version: string) {
    this.#file = file;
    this.#values = values;
    this.#version = version;
    this.#checkedAtMs = performance.now();
  }

  /**
   * A secret from the file that `NAME_FILE` names, or from `NAME`. The file is preferred: a variable
   * can be read by whoever can read the process.
   *
   * @throws JobctlError `config_invalid` when neither is there, or the file cannot be read or is empty
   */
  static read(name: string, environment: Environment): Secret {
    const secret = Secret.find(name, environment);
    if (secret !== null) return secret;
    throw new JobctlError("config_invalid", `cannot start: ${name}_FILE is not set`, {
      hint: `Put it into a file that only this user can read, and set ${name}_FILE to its path.`,
    });
  }

  /**
   * The same for a secret that need not be there.
   *
   * @throws JobctlError `config_invalid` when its file cannot be read or is empty
   */
  static find(name: string, environment: Environment): Secret | null {
    const file = environment[`${name}_FILE`];
    if (file !== undefined && file !== "") {
      const version = versionOf(file);
      const values = readValues(name, file);
      if (values.length > 0) return new Secret(file, values, version);
      throw new JobctlError("config_invalid", `cannot start: ${name}_FILE (${file}) is empty`);
    }
    const value = environment[name];
    return value === undefined || value === "" ? null : new Secret(null, [value], "");
  }

  /** All that are valid now; there is at least one. */
  get values(): readonly string[] {
    this.#refresh();
    return this.#values;
  }

  /** Length of the shortest value, in characters. */
  get shortest(): number {
    return Math.min(...this.values.map(({ length }) => length));
  }

  /** The one to send. */
  get current(): string {
    return this.values[0] ?? "";
  }

  /** A file that is gone or empty for a moment changes nothing. */
  #refresh(): void {
    if (this.#file === null || performance.now() - this.#checkedAtMs < RECHECK_MS) return;
    this.#checkedAtMs = performance.now();
    const version = versionOf(this.#file);
    if (version === "" || version === this.#version) return;
    const values = linesOf(readFileSync(this.#file, "utf8"));
    if (values.length === 0) return;
    this.#values = values;
    this.#version = version;
  }
}

/** Differs when the file has been written or replaced; empty when it is not there. */
function versionOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.ino}:${found.mtimeMs}:${found.size}`;
}

function readValues(name: string, file: string): string[] {
  try {
    return linesOf(readFileSync(file, "utf8"));
  } catch (error) {
    throw new JobctlError("config_invalid", `cannot start: ${name}_FILE (${file}) cannot be read`, {
      hint: "Check the path and its permissions.",
      cause: error,
    });
  }
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
