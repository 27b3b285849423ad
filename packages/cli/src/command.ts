import { setMaxListeners } from "node:events";

import { JobctlError, EXIT, toJobctlError } from "@jobctl/protocol/error";

import { ApiClient } from "./api-client.js";
import { loadConfig, type CliConfig } from "./config.js";
import { explainSystemError } from "./system-error.js";
import { Output } from "./output.js";
import { printable, printableLines, toPrintableJson } from "./printable.js";

/** Options that every command has. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
  readonly server?: string;
  readonly debug?: boolean;
}

/** What a command works with. */
export interface Context {
  readonly output: Output;
  /** Raised by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly config: CliConfig;
  readonly client: ApiClient;
  /** Says, once Ctrl-C has been pressed, what goes on and how to stop it. */
  onInterrupt(hint: string): void;
  /** What a second Ctrl-C does; by default the process ends at once. */
  onSecondInterrupt(act: () => void): void;
}

/** A command's work; the number is what the process exits with. */
export type Work = (context: Context) => Promise<number | void>;

/**
 * Runs a command: reads the configuration, prints the error if there is one, and decides the exit
 * code. The only place of the command line that does.
 */
export async function runCommand(flags: CommonFlags, work: Work): Promise<void> {
  const interrupt = new AbortController();
  // Each request listens to it, and there may be many at once.
  setMaxListeners(0, interrupt.signal);
  let interruptHint = "Run the command again to go on.";
  let secondInterrupt = (): void => process.exit(EXIT.interrupted);
  const onSignal = (): void => {
    if (interrupt.signal.aborted) secondInterrupt();
    else interrupt.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  let output = outputFor(flags, process.env["JOBCTL_OUTPUT"]);
  let client: ApiClient | undefined;
  try {
    const config = await loadConfig({
      serverFlag: flags.server,
      environment: process.env,
      directory: process.cwd(),
    });
    output = outputFor(flags, config.settings.output.value ?? undefined);
    let retried = "";
    const opened = new ApiClient({
      server: config.server,
      token: config.token,
      headers: config.headers,
      tokenWithheld: config.tokenWithheld,
      onRetry: ({ message }, afterMs) => {
        // Each cause once, however often it is tried.
        if (message !== retried)
          output.note(`${message}; trying again in ${(afterMs / 1000).toFixed(1)} s`);
        retried = message;
      },
    });
    client = opened;
    const context: Context = {
      output,
      signal: interrupt.signal,
      config,
      client: opened,
      onInterrupt: (hint) => (interruptHint = hint),
      onSecondInterrupt: (act) => (secondInterrupt = act),
    };
    process.exitCode = (await work(context)) ?? EXIT.ok;
  } catch (thrown) {
    const error = interrupt.signal.aborted
      ? new JobctlError("interrupted", "interrupted", { hint: interruptHint })
      : toJobctlError(explainSystemError(thrown));
    reportError(error, thrown, output.flags.json, flags.debug === true);
    process.exitCode = error.exitCode;
  } finally {
    client?.close();
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** Prints an error the way the caller wants to read it. */
export function reportError(
  error: JobctlError,
  thrown: unknown,
  json: boolean,
  debug: boolean,
): void {
  if (json) {
    process.stdout.write(
      `${toPrintableJson({ schema: "jobctl.error/v1", error: error.toBody() })}\n`,
    );
    return;
  }
  process.stderr.write(`jobctl: ${printable(error.message)}\n`);
  if (error.hint !== null) process.stderr.write(`  ${printableLines(error.hint)}\n`);
  if (!debug) return;
  for (let cause: unknown = thrown; cause instanceof Error; cause = cause.cause) {
    process.stderr.write(`${printableLines(cause.stack ?? cause.message)}\n`);
  }
}

function outputFor(flags: CommonFlags, configured: string | undefined): Output {
  return new Output({
    json: flags.json ?? configured === "json",
    quiet: flags.quiet ?? false,
    progress: flags.progress ?? true,
    debug: flags.debug ?? false,
  });
}
