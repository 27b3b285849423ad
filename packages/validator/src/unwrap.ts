import { withoutUnset } from "./characters.js";
import type { TraceStep } from "./diagnostic.js";
import {
  candidates,
  findCommands,
  skipOptions,
  startedDaemon,
  unwrapEnv,
} from "./wrapped-commands.js";

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
  /** Whether it is one of several places where a command may begin. */
  readonly isGuess?: boolean;
}

/** Wrappers around a command that are taken off. */
const MAX_WRAPPERS = 16;
/** Commands that one command may come to. */
const MAX_INVOCATIONS = 64;

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
  ...["parallel", "time", "run", "perf", "helm", "oc", "fdisk", "parted"],
]);

/** Whether the command is a program of the job's own that only has the name of another. */
export function isOwnProgram({ program, name }: Pick<Invocation, "program" | "name">): boolean {
  return program.includes("/") && !SYSTEM_PROGRAM.test(program) && GENERIC_NAMES.has(name);
}

/** Whether the command is found by its name alone, or where the system keeps its programs. */
export function isSystemProgram({ program }: Pick<Invocation, "program">): boolean {
  return !program.includes("/") || SYSTEM_PROGRAM.test(program);
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
  choom: "-n -p",
  cgexec: "-g",
  cpulimit: "-l -p -e -P",
  chpst: "-u -U -e -n -m -d -o",
  dtach: "-n -c -A -N -e -r",
  abduco: "-n -c -A -e",
  eatmydata: "",
  fakeroot: "-l -i -s",
  gtimeout: "-s -k",
  tini: "-e -p",
  "dumb-init": "",
  "systemd-inhibit": "",
  screen: "-S -c -e -h -s -t -T -p",
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
export const LAUNCHERS: ReadonlySet<string> = new Set([
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

/**
 * The commands that an argument list comes to, the wrappers first.
 *
 * @param reached called with what is not looked at, where there are too many of them
 */
export function unwrap(
  argv: readonly string[],
  reached: (limit: string) => void = () => undefined,
): Invocation[] {
  const found: Invocation[] = [];
  collect(argv, { trace: [], bypassesFunctions: false }, found, reached);
  return found;
}

function collect(
  argv: readonly string[],
  how: Pick<Invocation, "trace" | "bypassesFunctions" | "isGuess">,
  found: Invocation[],
  reached: (limit: string) => void,
): void {
  const [program, ...args] = argv;
  if (program === undefined || program === "") return;
  if (found.length >= MAX_INVOCATIONS)
    return reached(`it may run more than ${MAX_INVOCATIONS} commands`);
  const clean = withoutUnset(program).replace(/\r$/, "");
  const name = clean.split("/").at(-1) ?? "";
  const bypassesFunctions = how.bypassesFunctions || clean.includes("/");
  found.push({ ...how, name, program: clean, args, bypassesFunctions });
  const inner = wrapped(name, args);
  if (inner.length > 0 && how.trace.length >= MAX_WRAPPERS)
    return reached(`more than ${MAX_WRAPPERS} wrappers around a command`);
  const trace = [...how.trace, { kind: "wrapper", name } as const];
  const isGuess = how.isGuess === true || inner.length > 1 || LAUNCHERS.has(name);
  for (const rest of inner)
    collect(rest, { trace, bypassesFunctions: true, isGuess }, found, reached);
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
