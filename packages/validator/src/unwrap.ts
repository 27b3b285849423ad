import { UNKNOWN, isKnown, withoutUnset } from "./characters.js";
import type { TraceStep } from "./diagnostic.js";

/** A command as it will be executed, with what it was wrapped in. */
export interface Invocation {
  /** The last segment of the program's path. */
  readonly name: string;
  /** The word in the command's place, whole. */
  readonly program: string;
  readonly args: readonly string[];
  readonly trace: readonly TraceStep[];
  /** Reached by a name that a function of the script does not stand in for. */
  readonly bypassesFunctions: boolean;
}

const MAX_WRAPPERS = 8;

/** Where the system keeps its programs. */
const SYSTEM_PROGRAM = /^\/(usr\/)?(local\/)?s?bin\//;

/** Names that a program of the job may well have: they mean something only as the system's own. */
const GENERIC_NAMES = new Set([
  ...[
    "fetch",
    "http",
    "https",
    "links",
    "mail",
    "mc",
    "lt",
    "bore",
    "tor",
    "gost",
    "wg",
    "chisel",
    "hydra",
    "medusa",
  ],
  ...[
    "init",
    "service",
    "at",
    "batch",
    "route",
    "tc",
    "sg",
    "halt",
    "screen",
    "script",
    "watch",
    "wipe",
    "exec",
  ],
  ...["parallel", "time", "run", "perf", "rig", "rigel", "gminer", "helm", "oc", "fdisk", "parted"],
]);

/** Whether the command is a program of the job's own that only has the name of another. */
export function isOwnProgram({ program, name }: Pick<Invocation, "program" | "name">): boolean {
  return program.includes("/") && !SYSTEM_PROGRAM.test(program) && GENERIC_NAMES.has(name);
}

/** Programs that run the rest of their arguments, with the options that take a value. */
const WRAPPERS: Readonly<Record<string, string>> = {
  command: "",
  builtin: "",
  exec: "-a",
  nohup: "",
  nice: "-n --adjustment",
  ionice: "-c -n --class --classdata",
  setsid: "",
  stdbuf: "-i -o -e",
  time: "-f -o --format --output",
  strace: "-o -e -p -s -u",
  ltrace: "-o -e -p -s -u",
  xargs: "-I -n -P -d -L -s -a -E --max-args --max-procs --delimiter --replace --arg-file",
  busybox: "",
  toybox: "",
  catchsegv: "",
  unbuffer: "",
  sudo: "-u -g -h -p -C -r -t",
  doas: "-u -C",
  proot: "-r -b -w -q",
  firejail: "",
  chronic: "",
  numactl: "-C -N -m -p -i --cpunodebind --membind --physcpubind --preferred --interleave",
  chrt: "-T -P -D",
  "run-one": "",
  daemonize: "-p -l -e -o -c -u",
  watch: "-n --interval",
  setarch: "",
  linux32: "",
  linux64: "",
  entr: "",
  "dbus-run-session": "",
  torsocks: "",
  "xvfb-run": "-n -s -e -f",
  rlwrap: "",
  ccache: "",
  valgrind: "",
  perf: "",
};

/** Launchers whose options are too many to know: every word that may be the command is looked at. */
const LAUNCHERS = new Set([
  ...[
    "srun",
    "mpirun",
    "mpiexec",
    "mpiexec.hydra",
    "mpiexec.mpich",
    "orterun",
    "prun",
    "aprun",
    "jsrun",
    "ibrun",
  ],
  ...[
    "torchrun",
    "accelerate",
    "deepspeed",
    "horovodrun",
    "parallel",
    "gdb",
    "charmrun",
    "lrun",
    "poe",
  ],
]);

/** Programs that run a command in an environment: what stands between their options and the command. */
const ENVIRONMENTS: Readonly<
  Record<string, { readonly verbs: readonly string[]; readonly operands: number }>
> = {
  conda: { verbs: ["run"], operands: 0 },
  mamba: { verbs: ["run"], operands: 0 },
  micromamba: { verbs: ["run"], operands: 0 },
  uv: { verbs: ["run"], operands: 0 },
  poetry: { verbs: ["run"], operands: 0 },
  pixi: { verbs: ["run"], operands: 0 },
  singularity: { verbs: ["exec"], operands: 1 },
  apptainer: { verbs: ["exec"], operands: 1 },
};

/** The commands that an argument list comes to, the wrappers first. */
export function unwrap(argv: readonly string[]): Invocation[] {
  const found: Invocation[] = [];
  collect(argv, [], false, found);
  return found;
}

function collect(
  argv: readonly string[],
  trace: readonly TraceStep[],
  bypassesFunctions: boolean,
  found: Invocation[],
): void {
  const [program, ...args] = argv;
  if (program === undefined || program === "" || found.length > 64) return;
  const clean = withoutUnset(program).replace(/\r$/, "");
  const name = clean.split("/").at(-1) ?? "";
  found.push({
    name,
    program: clean,
    args,
    trace,
    bypassesFunctions: bypassesFunctions || clean.includes("/"),
  });
  if (trace.length >= MAX_WRAPPERS) return;
  const next = [...trace, { kind: "wrapper", name } as const];
  for (const rest of wrapped(name, args)) collect(rest, next, true, found);
}

/** What a wrapper runs: in most cases one command, none when it is no wrapper. */
function wrapped(name: string, args: readonly string[]): (readonly string[])[] {
  if (name === "env") return [unwrapEnv(args)];
  if (name === "timeout")
    return [skipOptions(args, ["-s", "-k", "--signal", "--kill-after"]).slice(1)];
  if (name === "taskset") return [skipOptions(args, []).slice(1)];
  if (name === "flock")
    return [
      skipOptions(args, ["-w", "-E"])
        .slice(1)
        .filter((arg) => arg !== "-c"),
    ];
  if (name === "chrt") return [skipOptions(args, []).slice(1)];
  if (name === "command" && /^-[vV]/.test(args[0] ?? "")) return [];
  if (name === "find") return findCommands(args);
  if (name === "cmake" && args[0] === "-E")
    return ["env", "time"].includes(args[1] ?? "") ? [unwrapEnv(args.slice(2))] : [];
  if (name === "start-stop-daemon") return startedDaemon(args);
  // The dynamic linker runs the program that it is given.
  if (/^ld(-linux[\w-]*|-musl[\w-]*)?\.so(\.\d+)?$/.test(name)) return [skipOptions(args, [])];
  if (name === "script") return [];
  if (LAUNCHERS.has(name)) return candidates(args);
  const environment = ENVIRONMENTS[name];
  if (environment !== undefined) {
    const verb = args.findIndex((arg) => environment.verbs.includes(arg));
    return verb === -1
      ? []
      : candidates(args.slice(verb + 1)).map((rest) => rest.slice(environment.operands));
  }
  const valued = WRAPPERS[name];
  return valued === undefined ? [] : [skipOptions(args, valued.split(" "))];
}

function skipOptions(args: readonly string[], valued: readonly string[]): readonly string[] {
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return args.slice(at + 1);
    if (!arg.startsWith("-") || arg === "-") break;
    if (valued.includes(arg)) at += 1;
  }
  return args.slice(at);
}

function unwrapEnv(args: readonly string[]): readonly string[] {
  const rest = skipOptions(args, ["-u", "--unset", "-C", "--chdir"]);
  const split = args.findIndex(
    (arg) => arg === "-S" || arg.startsWith("--split-string") || arg.startsWith("-S"),
  );
  if (split !== -1) {
    const text =
      args[split] === "-S"
        ? (args[split + 1] ?? "")
        : (args[split] ?? "").replace(/^-S|^--split-string=/, "");
    return text.split(/\s+/).filter((word) => !/^\w+=/.test(word));
  }
  const first = rest.findIndex((arg) => !/^[A-Za-z_]\w*=/.test(arg));
  return first === -1 ? [] : rest.slice(first);
}

function findCommands(args: readonly string[]): (readonly string[])[] {
  // Files somewhere below where it begins.
  const file = (args[0] ?? "").startsWith("/") ? `${args[0]}/${UNKNOWN}` : "{}";
  const commands: (readonly string[])[] = [];
  let end = args.length;
  for (let at = args.length - 1; at >= 0; at -= 1) {
    const arg = args[at] ?? "";
    if (arg === ";" || arg === "+") end = at;
    if (!/^-(exec|execdir|ok|okdir)$/.test(arg)) continue;
    commands.push(args.slice(at + 1, end).map((word) => (word === "{}" ? file : word)));
    // A further one inside it is a word of it.
    end = at;
  }
  return commands.toReversed();
}

function startedDaemon(args: readonly string[]): (readonly string[])[] {
  const at = args.findIndex((arg) => /^(-x|-a|--exec|--startas)$/.test(arg));
  const rest = args.indexOf("--");
  const program = args[at + 1];
  if (at === -1 || program === undefined) return [];
  return [[program, ...(rest === -1 ? [] : args.slice(rest + 1))]];
}

/** Every place where the command may begin: after options, each of which may have a value. */
function candidates(args: readonly string[]): (readonly string[])[] {
  const places: (readonly string[])[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return [...places, args.slice(at + 1)];
    if (arg.startsWith("-") || !isKnown(arg)) continue;
    // More than that many are not looked at.
    if (places.length > 64) break;
    places.push(args.slice(at));
    const before = args[at - 1] ?? "";
    if (!before.startsWith("-") || before.includes("=")) break;
  }
  return places;
}
