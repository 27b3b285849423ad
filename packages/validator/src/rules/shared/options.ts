/** Options and operands of a command, told apart as getopt(3) does. */
export interface Parsed {
  /** Values of each option, by its letter or its long name; an empty text where it takes none. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

/**
 * Tells options from operands: `-abc`, `-ovalue`, `-o value`, `--long`, `--long=value`.
 *
 * @param short as for getopt(3): `s:` takes a value, `I::` may have one attached, `+` in front ends the options at the
 * first operand
 * @param long names of the long options that take a value in the next word
 */
export function parseOptions(
  args: readonly string[],
  short: string,
  long: readonly string[] = [],
): Parsed {
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  const add = (name: string, value: string): void => {
    const values = given.get(name);
    if (values === undefined) given.set(name, [value]);
    else values.push(value);
  };
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith("--")) {
      const equals = arg.indexOf("=");
      const name = equals === -1 ? arg.slice(2) : arg.slice(2, equals);
      if (equals !== -1) add(name, arg.slice(equals + 1));
      else if (long.includes(name)) add(name, args[(at += 1)] ?? "");
      else add(name, "");
    } else if (arg.startsWith("-") && arg !== "-") {
      if (shortOptions(arg, short, args[at + 1] ?? "", add)) at += 1;
    } else if (short.startsWith("+")) {
      operands.push(...args.slice(at));
      break;
    } else operands.push(arg);
  }
  return { given, operands };
}

/** Reads letters that stand together; returns whether the last of them takes the next word. */
function shortOptions(
  arg: string,
  short: string,
  next: string,
  add: (name: string, value: string) => void,
): boolean {
  // No program has more of them; the rest is hostile.
  for (let at = 1; at < Math.min(arg.length, 64); at += 1) {
    const letter = arg[at] ?? "";
    const place = short.indexOf(letter);
    if (place === -1 || letter === ":" || short[place + 1] !== ":") {
      add(letter, "");
      continue;
    }
    const attached = arg.slice(at + 1);
    const takesNext = attached === "" && short[place + 2] !== ":";
    add(letter, takesNext ? next : attached);
    return takesNext;
  }
  return false;
}

/** The first word that is not an option: what `systemctl`, `docker` and the like are to do. */
export function verbOf(args: readonly string[], short = "", long: readonly string[] = []): string {
  return parseOptions(args, `+${short}`, long).operands[0] ?? "";
}

/** Whether only help or the version is asked for. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.length === 1 && /^(-V|-h|-v|--version|--help|version|help)$/.test(args[0] ?? "");
}
