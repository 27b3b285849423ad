import { readable } from "../../characters.js";
import { deleteTarget } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { STAY } from "../advice.js";
import { startsOfFind } from "../shared/deletions.js";

const ENCRYPTS =
  /^(ccencrypt|ccrypt|gpg2?|openssl|age|7z|7za|zip|rar|mcrypt|aescrypt|scrypt|encfs)$/;

export const rule = {
  id: "DEL-ENCRYPT",
  family: "destructive",
  severity: "error",
  why: "encrypts files that are not the job's",
  fix: STAY,
  commands: [
    "find",
    "fd",
    "ccencrypt",
    "ccrypt",
    "gpg",
    "gpg2",
    "openssl",
    "age",
    "aescrypt",
    "mcrypt",
  ],
  followsPaths: true,
  check: ({ name, args }, report) => {
    const search = name === "find" || name === "fd";
    const paths = search ? startsOfFind(args) : args.filter((arg) => /[*?]/.test(arg));
    if (search && !args.some(runsEncryption)) return;
    if (!search && !encrypts(name, args)) return;
    for (const path of paths)
      if (/^(root|home|system)$/.test(deleteTarget(path) ?? ""))
        report(`what lies below ${readable(path)} is encrypted`);
  },
  examples: {
    dangerous: [
      "find ~ -type f -exec gpg --batch -c --passphrase x {} +",
      "find /home -name '*.pdf' -exec sh -c 'openssl enc -aes-256-cbc -in \"$1\" -out \"$1.x\"' _ {} \\;",
      "ccencrypt -K x ~/*",
    ],
    honest: [
      "gpg -c results.tar",
      "find results -exec gpg -c {} +",
      "openssl enc -d -aes-256-cbc -in in.enc -out in",
    ],
  },
} as const satisfies Rule;

function encrypts(name: string, args: readonly string[]): boolean {
  if (name === "openssl")
    return /^(enc|aes-\S+|rsautl|smime|cms)$/.test(args[0] ?? "") && !args.includes("-d");
  return name !== "gpg" && name !== "gpg2"
    ? true
    : args.some((arg) => /^(-[a-z]*[ce]|--(symmetric|encrypt))$/.test(arg));
}

/** `-exec gpg -c`, or a shell that does. */
function runsEncryption(arg: string, at: number, args: readonly string[]): boolean {
  if (!/^-(exec|execdir|ok|x|X)$/.test(arg)) return false;
  const command = args.slice(at + 1, at + 12);
  if (ENCRYPTS.test(command[0] ?? "")) return encrypts(command[0] ?? "", command.slice(1));
  return (
    /^(ba|da)?sh$/.test(command[0] ?? "") &&
    command.some((word) => /(^|[\s;&|])(ccencrypt|gpg2? -\S*c|openssl (enc|aes))/.test(word))
  );
}
