import type { Report, Rule } from "../../rule.js";
import { normalizePath } from "../../paths.js";
import type { Invocation } from "../../unwrap.js";
import { parseOptions } from "../shared/options.js";
import { ENDLESS_FILES, TOO_MUCH, bytesOf } from "../shared/sizes.js";

export const rule = {
  id: "RES-DISKFILL",
  family: "fork-bomb",
  severity: "error",
  why: "writes without end",
  fix: "Say how much is to be written: count=, head -c.",
  commands: [
    ...[
      "dd",
      "dcfldd",
      "fallocate",
      "truncate",
      "head",
      "mkfile",
      "xfs_mkfile",
      "tail",
      "cp",
      "sort",
    ],
    ...["openssl", "shuf", "mapfile", "readarray", "sponge"],
  ],
  check: ({ name, args }, report, { input }) => {
    if (/^(dd|dcfldd)$/.test(name)) checkCopied(name, args, input.upstream[0] === "yes", report);
    else if (/^(tail|sort|shuf|sponge|mapfile|readarray)$/.test(name)) {
      const limited = name === "shuf" && args.some((arg) => arg.startsWith("-"));
      if (!limited && args.some((arg) => ENDLESS_FILES.test(arg) && arg.startsWith("/")))
        report(`${name} keeps all of it in memory`);
    } else if (name === "cp") {
      if (ENDLESS_FILES.test(normalizePath(args.find((arg) => !arg.startsWith("-")) ?? "")))
        report("cp copies a file that never ends");
    } else if (name === "openssl") {
      if (args[0] === "rand" && bytesOf(args.at(-1) ?? "") >= TOO_MUCH)
        report("openssl makes a file of terabytes");
    } else if (sizesOf({ name, args }).some((size) => bytesOf(size) >= TOO_MUCH))
      report(`${name} makes a file of terabytes`);
  },
  examples: {
    dangerous: [
      "dd if=/dev/zero of=fill",
      "dd if=/dev/urandom of=fill bs=1G count=5000",
      "fallocate -l 20T fill",
      "truncate --size=9000G fill",
      "cat /dev/urandom > fill",
      "tr '\\0' x < /dev/zero > fill",
      "yes x | dd of=fill",
      "cp /dev/zero fill",
      "all=$(cat /dev/zero)",
      "head -c 2000G /dev/zero > fill",
    ],
    honest: [
      "dd if=/dev/zero of=image bs=1M count=100",
      "fallocate -l 20G scratch.img",
      "head -c 1M /dev/urandom > seed",
      "head -n 5 13T.csv",
      "yes | ./configure",
    ],
  },
} as const satisfies Rule;

function checkCopied(
  name: string,
  args: readonly string[],
  fromYes: boolean,
  report: Report,
): void {
  const valueOf = (key: string): string | undefined =>
    args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1);
  const output = normalizePath(valueOf("of") ?? "/dev/null");
  if (output === "/dev/null") return;
  const count = valueOf("count");
  const endless = fromYes || args.some((arg) => ENDLESS_FILES.test(arg) && arg.startsWith("if="));
  if (endless && count === undefined) report(`${name} writes without end`);
  const block = bytesOf(valueOf("bs") ?? valueOf("obs") ?? "512");
  if (
    bytesOf(count ?? "") * block >= TOO_MUCH ||
    bytesOf(valueOf("seek") ?? "") * block >= TOO_MUCH
  )
    report(`${name} makes a file of terabytes`);
}

/** The sizes that a command is told to make a file of. */
function sizesOf({ name, args }: Pick<Invocation, "name" | "args">): readonly string[] {
  if (name === "mkfile" || name === "xfs_mkfile") return args.slice(0, -1);
  const { given } = parseOptions(args, name === "head" ? "c:n:" : "l:o:s:r:", [
    "bytes",
    "length",
    "size",
  ]);
  return ["c", "l", "s", "bytes", "length", "size"].flatMap((option) => given.get(option) ?? []);
}
