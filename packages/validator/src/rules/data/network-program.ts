import type { Severity } from "../../diagnostic.js";

/** What a program does with the network, and so which rule reports it. */
export type NetworkUse =
  | "connect"
  | "fetch"
  | "upload"
  | "remote"
  | "tunnel"
  | "listen"
  | "scan"
  | "install";

/** A way in which a program uses the network. */
export interface NetworkProgram {
  /** Its names; one that ends in `*` stands for all of its versions. */
  readonly names: readonly string[];
  /** What it does, completing "NAME ...". */
  readonly does: string;
  /** Its first operands in this case, as `s3 cp`; in every case where there are none. */
  readonly verbs?: readonly string[];
  /** Options of which it is given one: `-d` counts in `-sd` and `-dx` too, `--data` in `--data=x`. */
  readonly options?: readonly string[];
  /** An argument that it is given. */
  readonly argument?: RegExp;
  /** Options or verbs with which it does not do so. */
  readonly unless?: readonly string[];
  readonly severity?: Severity;
  /** A word that programs of a job are called as well: by a path of the job's it is one of these. */
  readonly isCommonWord?: true;
}
