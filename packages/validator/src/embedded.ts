import { BudgetExceeded } from "./budget.js";
import { bounded } from "./bounded.js";
import { builtinTexts } from "./embedded-builtins.js";
import type { Invocation } from "./unwrap.js";

export const SHELLS: ReadonlySet<string> = new Set([
  ...["bash", "sh", "dash", "zsh", "ksh", "ash", "mksh", "csh", "tcsh", "fish", "rbash"],
  ...["posh", "yash", "oksh", "bash-static", "static-sh", "zsh-static"],
]);

/** Programs that run a script which they read from standard input, when they are not given one. */
export const SCRIPT_READERS: ReadonlySet<string> = new Set([
  "sbatch",
  "qsub",
  "bsub",
  "at",
  "batch",
  "msub",
  "oarsub",
]);

/** Options whose value is run by a shell, by program. */
const COMMAND_OPTIONS: Readonly<Record<string, RegExp>> = {
  tar: /^(--checkpoint-action=exec=|--to-command=?|--use-compress-program=?|--rsh-command=?|--info-script=?|--new-volume-script=?|-I|-F)(.*)$/s,
  rsync: /^(-e|--rsh=?)(.*)$/s,
  man: /^(-P|-H|--pager=?|--html=?)(.*)$/s,
  zip: /^(-TT|--unzip-command=?)(.*)$/s,
  split: /^(--filter=?)(.*)$/s,
  sort: /^(--compress-program=?)(.*)$/s,
  flock: /^(-c|--command=?)(.*)$/s,
  npm: /^(-c|--call=?)(.*)$/s,
  npx: /^(-c|--call=?)(.*)$/s,
  sbatch: /^(--wrap=?)(.*)$/s,
  tcpdump: /^(-z)(.*)$/s,
  make: /^(--eval=?)(?:[^:]*:[^;]*;)?(.*)$/s,
  ssh: /^-o ?(ProxyCommand|LocalCommand|KnownHostsCommand)[= ](.*)$/s,
  scp: /^-o ?(ProxyCommand|LocalCommand|KnownHostsCommand)[= ](.*)$/s,
};

/** Settings of git that are commands. */
const GIT_COMMAND =
  /^(core\.(pager|editor|sshcommand|fsmonitor|askpass)|sequence\.editor|diff\.external|credential\.helper|pager\.\w+|gpg\.program)[=]?$/i;

interface Read {
  readonly text: string | null;
}

/**
 * The pieces of a command's arguments and of what it reads that a shell will run. Only what stands there
 * as text; `eval` and the like are not here, for them it matters where the text comes from.
 *
 * @param input what the command reads, as far as it is known
 */
export function shellTexts({ name, args }: Invocation, input: Read): string[] {
  const texts = builtinTexts(name, args);
  const option = COMMAND_OPTIONS[name];
  if (option !== undefined) texts.push(...optionValues(args, option));
  if (SCRIPT_READERS.has(name) && input.text !== null) texts.push(input.text);
  switch (name) {
    case "trap":
      if (args.length > 1) texts.push(args[0] ?? "");
      break;
    case "watch":
    case "bsub":
      texts.push(...args.filter((arg) => arg.includes(" ")));
      break;
    case "parallel":
      texts.push(...parallelCommands(args, input.text));
      break;
    case "xargs":
      texts.push(...suppliedArguments(args, input.text));
      break;
    case "git":
      texts.push(...gitCommands(args));
      break;
    case "make":
    case "gmake":
      if (input.text !== null) texts.push(...recipes(input.text));
      break;
    case "awk":
    case "gawk":
    case "mawk":
    case "nawk":
      for (const arg of args) texts.push(...awkCommands(bounded(arg)));
      break;
    case "sed":
      for (const arg of args) texts.push(...sedCommands(bounded(arg)));
      break;
    default:
      texts.push(...escapes(name, args, input));
  }
  return texts;
}

/** Commands in a file of awk, sed, gdb or vim that is run. */
export function scriptTexts(text: string): string[] {
  const code = bounded(text);
  return [
    ...awkCommands(code),
    ...sedCommands(code),
    ...[...code.matchAll(/^[ \t]*(?:!|shell\s+)([^\n]*)/gm)].map(([, command = ""]) => command),
  ];
}

/** Recipe lines of a makefile. */
export function recipes(makefile: string): string[] {
  return [...makefile.matchAll(/^\t[@+-]*(.*)$/gm)].map(([, line = ""]) => line);
}

function optionValues(args: readonly string[], option: RegExp): string[] {
  return args.flatMap((arg, at) => {
    const joined = arg === "-o" ? `-o ${args[at + 1] ?? ""}` : arg;
    const match = option.exec(joined);
    if (match === null) return [];
    return [match[2] || (args[at + 1] ?? "")];
  });
}

function parallelCommands(args: readonly string[], input: string | null): string[] {
  const at = args.findIndex((arg) => /^:::\+?$/.test(arg));
  const own = args.slice(0, at === -1 ? undefined : at).filter((arg) => !/^-/.test(arg));
  const supplied = at === -1 ? (input ?? "").split("\n") : args.slice(at + 1);
  const [command] = own.filter((arg) => /[a-z]/i.test(arg));
  if (command === undefined) return supplied;
  return own.filter((arg) => arg.includes(" "));
}

/** Characters of all commands that `xargs` may make of what it reads. */
const MAX_SUPPLIED = 10_000_000;

/** What `xargs` runs with the words that it reads. */
function suppliedArguments(args: readonly string[], input: string | null): string[] {
  if (input === null || input.trim() === "") return [];
  const at = args.findIndex((arg) => /^-[Ii]/.test(arg));
  const mark = at === -1 ? null : args[at]?.slice(2) || args[at + 1] || "{}";
  const lines = input.split("\n").filter((line) => line.trim() !== "");
  const first = args.findIndex(
    (arg, index) => !arg.startsWith("-") && !/^-[InPdLsaE]$/.test(args[index - 1] ?? ""),
  );
  const command = first === -1 ? [] : args.slice(first);
  if (mark === null) return [[...command.map(quote), ...lines].join(" ")];
  const size = command.join(" ").length + input.length;
  if (lines.length * size > MAX_SUPPLIED)
    throw new BudgetExceeded("xargs is given too many lines to look at what it runs with each");
  return [
    lines
      .map((line) => command.map((arg) => quote(arg.replaceAll(mark, () => line))).join(" "))
      .join("\n"),
  ];
}

function quote(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function gitCommands(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    const [, key = "", value] = /^([\w.-]+)(?:=([^]*))?$/.exec(arg) ?? [];
    const text = value ?? args[at + 1] ?? "";
    if (/^alias\./.test(key) && text.startsWith("!")) return [text.slice(1)];
    if (GIT_COMMAND.test(key)) return [text.replace(/^!/, "")];
    return [];
  });
}

function awkCommands(program: string): string[] {
  const text = '"((?:\\\\.|[^"\\\\])*)"';
  const found = [
    ...program.matchAll(new RegExp(`system\\s*\\(\\s*${text}`, "g")),
    ...program.matchAll(new RegExp(`\\|&?\\s*${text}`, "g")),
    ...program.matchAll(new RegExp(`${text}\\s*\\|&?\\s*getline`, "g")),
  ];
  // A command that is put into a variable first.
  if (/system\s*\(\s*[a-z_]\w*|\|&?\s*(getline|[a-z_])/i.test(program))
    found.push(...program.matchAll(new RegExp(`\\b[a-z_]\\w*\\s*=\\s*${text}`, "gi")));
  return found.map(([, command = ""]) => command.replace(/\\(["\\/])/g, "$1"));
}

function sedCommands(script: string): string[] {
  const own = [...script.matchAll(/(?:^|[;\n{]|(?<=\d|\$|\/))\s*e\s+([^\n]+)/g)];
  const substitutions = [
    ...script.matchAll(
      /(?<!\w)s([/|,#@])((?:\\[^\n]|(?!\1)[^\\\n])*)\1((?:\\[^\n]|(?!\1)[^\\\n])*)\1[gpimI0-9]*e/g,
    ),
  ];
  return [
    ...own.map(([, command = ""]) => command),
    ...substitutions.map(([, , , command = ""]) => command.replace(/\\(.)/g, "$1")),
  ];
}

/** Interactive programs that hand a line to a shell when it begins in a certain way. */
const SHELL_ESCAPES: Readonly<Record<string, RegExp>> = {
  vim: /(?:^|\|)[+:\s]*(?:silent\s*)?(?:r\s*|w\s*)?!+([^\n]*)/gm,
  ed: /^[ \t]*(?:r\s*|w\s*)?!([^\n]*)/gm,
  gdb: /^[ \t]*(?:!|shell\s+|make\s+|pipe\s[^|]*\|)([^\n]*)/gm,
  sqlite3: /^[ \t]*\.(?:shell|system)\s+([^\n]*)/gm,
  psql: /\\!\s*([^\n]*)/g,
  mysql: /(?:\\!\s*|^[ \t]*system\s+)([^\n;]*)/gm,
  expect: /^[ \t]*(?:spawn|exec|system)\s+([^\n;]*)/gm,
  tclsh: /\bexec\s+([^\n;\]]*)/g,
  m4: /\be?syscmd\s*\(\s*`?([^')]*)/g,
  dc: /!([^\n]*)/g,
  gnuplot: /^[ \t]*!([^\n]*)/gm,
  sqlplus: /^[ \t]*(?:!|host\s+)([^\n]*)/gm,
  ftp: /^[ \t]*!([^\n]*)/gm,
  less: /!([^\n]*)/g,
  emacs:
    /\((?:shell-command(?:-to-string)?|async-shell-command|call-process-shell-command)\s+"((?:\\.|[^"\\])*)"/g,
};
const SAME_ESCAPES: Readonly<Record<string, string>> = {
  vi: "vim",
  nvim: "vim",
  ex: "vim",
  view: "vim",
  rvim: "vim",
  vimdiff: "vim",
  mariadb: "mysql",
  tclsh8: "tclsh",
  wish: "tclsh",
  bc: "dc",
  more: "less",
  lldb: "gdb",
  lftp: "ftp",
};

function escapes(name: string, args: readonly string[], input: Read): string[] {
  const pattern = SHELL_ESCAPES[name] ?? SHELL_ESCAPES[SAME_ESCAPES[name] ?? ""];
  if (pattern === undefined) return [];
  return [...args, input.text ?? ""]
    .map(bounded)
    .flatMap((text) =>
      [...text.matchAll(pattern)].map(([, command = ""]) => command.replace(/\\(["\\])/g, "$1")),
    );
}
