import type { Severity } from "./diagnostic.js";
import type { Input } from "./inputs.js";
import type { Invocation } from "./unwrap.js";

export const FAMILIES = [
  "input",
  "destructive",
  "fork-bomb",
  "network",
  "reverse-shell",
  "privilege",
  "escape",
  "kernel",
  "obfuscation",
  "persistence",
  "miner",
  "secrets",
  "files",
] as const;
export type Family = (typeof FAMILIES)[number];

/** Called with what a rule has found; the severity is the rule's own unless said. */
export type Report = (message: string, severity?: Severity) => void;

/** A file that the script names: as an argument, behind a redirection, in the code of another language. */
export interface FileUse {
  /** As it stands there, worked out. */
  readonly path: string;
  /** Without `//`, `.` and `..`, as far as it is known. */
  readonly normal: string;
  readonly access: "read" | "write";
  /** Whether files are put into it, under names of their own. */
  readonly isDirectory: boolean;
}

/** What a rule may ask about beside the command itself. */
export interface Context {
  /** What the command reads. */
  readonly input: Input;
  /** Whether a program is refused under its own name. */
  isRefused(program: string): boolean;
}

/** A rule: what people read of it, what it matches, and examples that a test tries. */
export interface Rule {
  readonly id: string;
  readonly family: Family;
  readonly severity: Severity;
  /** What is wrong with it, completing "it ...". */
  readonly why: string;
  /** What to do instead. */
  readonly fix: string;
  /** Fetching something: harmless where there is no network, wanted where there is one. */
  readonly needsNetwork?: boolean;
  /** Nothing that an honest script does not do: shown, and blocking, in the profile `strict` only. */
  readonly strictOnly?: boolean;
  /**
   * The commands that it looks at, by the last segment of their path. `mkfs*` stands for all that begin so, `*` for
   * every command. None where the walk of the tree finds it: pipes, functions, redirections.
   */
  readonly commands?: readonly string[];
  /** Looks at one command that the script may run. */
  readonly check?: (invocation: Invocation, report: Report, context: Context) => void;
  /** Looks at one file that the script reads, writes or names, whichever command it is given to. */
  readonly checkFile?: (use: FileUse, report: Report) => void;
  /** Whether it looks once more at a command whose relative paths lead out of the job's directory, resolved. */
  readonly followsPaths?: boolean;
  /** Scripts in which it must be found, and similar ones in which it must not. */
  readonly examples: { readonly dangerous: readonly string[]; readonly honest: readonly string[] };
}
