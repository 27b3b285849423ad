import type { Output as JsonOutput } from "@jobctl/protocol";

import { printableLines, toPrintableJson } from "./printable.js";

export interface OutputFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: boolean;
  readonly debug: boolean;
}

/**
 * Where things are printed: data to stdout, words for people to stderr. With `json` stdout gets
 * exactly one value (or, while watching, one a line) and people's words stay away.
 *
 * Texts may come from a job, an agent, a server or a file, so control characters in them are spelled
 * out. Only the output of jobs passes as it is, and does not pass here.
 */
export class Output {
  readonly flags: OutputFlags;

  constructor(flags: OutputFlags) {
    this.flags = flags;
  }

  /** Whether stdout is a terminal that a person looks at. */
  get interactive(): boolean {
    return process.stdout.isTTY && !this.flags.json;
  }

  /** Whether moving progress may be drawn. */
  get showsProgress(): boolean {
    return this.flags.progress && !this.flags.quiet && !this.flags.json;
  }

  /** The one JSON value of this call. */
  json(value: JsonOutput): void {
    process.stdout.write(`${toPrintableJson(value)}\n`);
  }

  /** A line of data. */
  line(text: string): void {
    process.stdout.write(`${printableLines(text)}\n`);
  }

  /** Lines that hold our own colours; what they show has been made printable before. */
  styled(lines: readonly string[]): void {
    for (const line of lines) process.stdout.write(`${line}\n`);
  }

  /** A line that people have to see, also with `--quiet` and `--json`. */
  warn(text: string): void {
    process.stderr.write(`${printableLines(text)}\n`);
  }

  /** A line for people; not with `--quiet`. */
  note(text: string): void {
    if (!this.flags.quiet && !this.flags.json) process.stderr.write(`${printableLines(text)}\n`);
  }
}
