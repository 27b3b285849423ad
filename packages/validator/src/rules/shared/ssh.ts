/** Options of ssh, and of the programs that go through it, that take a value. */
const VALUED = new Set([..."BbcDEeFIiJLlmOoPpQRSWw"]);

/** A command line of ssh: its own options, and what the other machine is to run. */
export interface SshCall {
  /** Letters of the options, with their values; empty ones have none. */
  readonly options: readonly { readonly letter: string; readonly value: string }[];
  readonly host: string | null;
  readonly command: readonly string[];
}

/** Reads the arguments of ssh as ssh does: what follows the host is the other machine's. */
export function sshCall(args: readonly string[]): SshCall {
  const options: { letter: string; value: string }[] = [];
  let host: string | null = null;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--" || !/^-./.test(arg)) {
      if (arg === "--" && host === null) {
        host = args[at + 1] ?? null;
        return { options, host, command: args.slice(at + 2) };
      }
      // Options may stand behind the host as well, up to the command.
      if (host !== null) return { options, host, command: args.slice(at) };
      host = arg;
      continue;
    }
    for (let letter = 1; letter < arg.length; letter += 1) {
      const char = arg[letter] ?? "";
      if (!VALUED.has(char)) {
        options.push({ letter: char, value: "" });
        continue;
      }
      const joined = arg.slice(letter + 1);
      options.push({ letter: char, value: joined || (args[at + 1] ?? "") });
      if (joined === "") at += 1;
      break;
    }
  }
  return { options, host, command: [] };
}
