import { HOME } from "../../characters.js";
import { normalizePath } from "../../paths.js";
import type { FileUse } from "../../rule.js";
import type { Invocation } from "../../unwrap.js";
import { OUTPUT_OPTIONS, TEXT_COMMANDS, WRITERS } from "../data/writers.js";
import { hasOption, operands } from "../report.js";

/** A file that is read, or only named. */
export function readOf(path: string): FileUse {
  return { path, normal: fromTop(path, 2), access: "read", isDirectory: false };
}

/** A file that is written to; with `isDirectory` one that files are put into. */
export function writeOf(path: string, isDirectory = false): FileUse {
  return { path, normal: fromTop(path, 4), access: "write", isDirectory };
}

/** A path that climbs more often than jobs lie deep is one from the top of the file system. */
function fromTop(path: string, most: number): string {
  const normal = normalizePath(path);
  if (!normal.startsWith("../")) return normal;
  const segments = normal.split("/");
  const up = segments.findIndex((segment) => segment !== "..");
  return up >= most ? `/${segments.slice(up).join("/")}` : normal;
}

/** The files that a command is given: each argument that may be one, and those that it writes to. */
export function fileUses({ name, args }: Invocation): FileUse[] {
  if (TEXT_COMMANDS.has(name)) return [];
  // Most words are no paths.
  const read = args.map(withoutPrefix).filter((arg) => arg.includes("/"));
  const uses = [
    ...read.map(readOf),
    ...writtenOperands(name, args).map((path) => writeOf(path)),
    ...outputOptions(name, args).map((path) => writeOf(path, true)),
    ...ownWrites(name, args).map((path) => writeOf(path)),
  ];
  // `chmod 600 ~/.ssh/id_rsa` is what ssh asks for.
  const protects = name === "chmod" && /^0?[4-7]00$/.test(args[0] ?? "");
  return protects ? uses.filter(({ normal }) => !normal.startsWith(HOME)) : uses;
}

function writtenOperands(name: string, args: readonly string[]): string[] {
  const files = operands(args);
  const written = Object.hasOwn(WRITERS, name) ? WRITERS[name] : undefined;
  if (written === "all") return files;
  if (written === "last") return files.length > 1 ? files.slice(-1) : [];
  if (written === "rest") return files.slice(1);
  const inPlace = args.some((arg) => /^(-i|--in-place)/.test(arg) || /^-[nErpsuz]*i/.test(arg));
  return (name === "sed" || name === "perl") && inPlace ? files.slice(1) : [];
}

function outputOptions(name: string, args: readonly string[]): string[] {
  const option = Object.hasOwn(OUTPUT_OPTIONS, name) ? OUTPUT_OPTIONS[name] : undefined;
  if (option === undefined || (name === "tar" && !extracts(args))) return [];
  return args.flatMap((arg, at) => {
    const match = option.exec(arg);
    return match === null ? [] : [match[2] || (args[at + 1] ?? "")];
  });
}

function extracts(args: readonly string[]): boolean {
  return (
    hasOption(args, "x", "--extract") || /^\w*x\w*$/.test(args[0] ?? "") || args.includes("--get")
  );
}

/** Files that awk, sed and editors write from inside their programs. */
function ownWrites(name: string, args: readonly string[]): string[] {
  if (/^(vim?|ex|ed)$/.test(name))
    return args.flatMap((arg) => /^:?w!?\s+(\S+)/.exec(arg)?.[1] ?? []);
  if (!/^([gmn]?awk|sed)$/.test(name)) return [];
  return args.flatMap((arg) => [
    ...[...arg.matchAll(/>\s{0,8}"(\/[^"]+)"/g)].map(([, path = ""]) => path),
    ...[...arg.matchAll(/(?:^|[;\s/])w\s{1,8}(\/\S+)/g)].map(([, path = ""]) => path),
  ]);
}

function withoutPrefix(arg: string): string {
  return arg.replace(/^(--?[\w-]+=|@|file:\/\/|if=|of=)/, "");
}
