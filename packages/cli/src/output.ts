import type { Output as JsonOutput } from "@jobctl/protocol";

export interface OutputFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: boolean;
  readonly debug: boolean;
}

/**
 * Where things are printed: data to stdout, words for people to stderr. With `json` stdout gets
 * exactly one value (or, while watching, one a line) and people's words stay away.
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
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A line of data. */
  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** A line for people; not with `--quiet`. */
  note(text: string): void {
    if (!this.flags.quiet && !this.flags.json) process.stderr.write(`${text}\n`);
  }
}
