import { UNKNOWN, isKnown } from "./characters.js";

/** The arguments behind the options, some of which take a value. */
export function skipOptions(args: readonly string[], valued: readonly string[]): readonly string[] {
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return args.slice(at + 1);
    if (!arg.startsWith("-") || arg === "-") break;
    if (valued.includes(arg)) at += 1;
  }
  return args.slice(at);
}

/** What `env` runs. */
export function unwrapEnv(args: readonly string[]): readonly string[] {
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

/** What `find -exec` runs. */
export function findCommands(args: readonly string[]): (readonly string[])[] {
  return args.flatMap((arg, at) => {
    if (!/^-(exec|execdir|ok|okdir)$/.test(arg)) return [];
    const end = args.findIndex((other, index) => index > at && (other === ";" || other === "+"));
    const command = args.slice(at + 1, end === -1 ? undefined : end);
    // Files somewhere below where it begins.
    const file = (args[0] ?? "").startsWith("/") ? `${args[0]}/${UNKNOWN}` : "{}";
    return [command.map((word) => (word === "{}" ? file : word))];
  });
}

/** What `start-stop-daemon` runs. */
export function startedDaemon(args: readonly string[]): (readonly string[])[] {
  const at = args.findIndex((arg) => /^(-x|-a|--exec|--startas)$/.test(arg));
  const rest = args.indexOf("--");
  const program = args[at + 1];
  if (at === -1 || program === undefined) return [];
  return [[program, ...(rest === -1 ? [] : args.slice(rest + 1))]];
}

/** Options of launchers whose value is the name of something else. */
const VALUED =
  /^--?(launcher|launcher-exec|bootstrap|bootstrap-exec|rmk|iface|machinefile|hostfile|hosts?|wdir|chdir|bind-to|map-by|rank-by|prefix|partition|account|qos|job-name|constraint|reservation|comment|mpi|output|error|input|gres|export|nodelist|exclude|licenses|container-image|container-name|sshlogin|colsep|joblog|results|tmpdir)$/;

/** Every place where the command may begin: after options, each of which may have a value. */
export function candidates(args: readonly string[]): (readonly string[])[] {
  const places: (readonly string[])[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return [...places, args.slice(at + 1)];
    if (VALUED.test(arg)) at += 1;
    if (arg.startsWith("-") || !isKnown(arg)) continue;
    places.push(args.slice(at));
    const before = args[at - 1] ?? "";
    if (!before.startsWith("-") || before.includes("=")) break;
  }
  return places;
}
