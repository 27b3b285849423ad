import { VERSION } from "@jobctl/protocol/version";

/** A daemon as its command line sees it. */
export interface DaemonUsage<Choice extends string> {
  /** The program, as it is called. */
  readonly name: string;
  /** What it prints for --help. */
  readonly help: string;
  /** Commands and options; one of them may be given. */
  readonly choices: readonly Choice[];
}

/** Exit code for arguments that are not understood. */
const EXIT_USAGE = 2;

/**
 * Calls a daemon's start with what its arguments ask for; answers itself what needs no daemon: help, version,
 * arguments that are not understood (exit code 2). Settings are environment variables, so there are few others.
 *
 * @param args without Node and the program
 * @param start loads the rest of the daemon; gets null when there was no argument
 */
export async function withArguments<Choice extends string>(
  { name, help, choices }: DaemonUsage<Choice>,
  args: readonly string[],
  start: (choice: Choice | null) => Promise<void>,
): Promise<void> {
  if (args.some((arg) => arg === "--help" || arg === "-h")) {
    process.stdout.write(help);
    return;
  }
  if (args.some((arg) => arg === "--version" || arg === "-V")) {
    process.stdout.write(`${VERSION}\n`);
    return;
  }
  const [first, ...more] = args;
  const choice = choices.find((one) => one === first) ?? null;
  const unknown = choice === null ? first : more[0];
  if (unknown === undefined) return start(choice);
  process.stderr.write(
    `${name}: unknown argument ${JSON.stringify(unknown)}\n  ${name} --help lists its arguments; its settings are environment variables.\n`,
  );
  process.exitCode = EXIT_USAGE;
}
