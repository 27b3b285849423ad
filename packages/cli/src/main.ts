#!/usr/bin/env node
import { CommanderError } from "commander";

import { JobctlError, EXIT } from "@jobctl/protocol/error";

import { printableLines } from "./printable.js";
import { createProgram } from "./program.js";

// A reader that has seen enough (head, less) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

const wantsJson = process.argv.includes("--json") || process.env["JOBCTL_OUTPUT"] === "json";
const program = createProgram();
for (const command of withSubcommands(program)) {
  command.exitOverride();
  command.configureOutput({
    // Usage errors echo arguments, so control characters are escaped.
    writeErr: (text) => void (wantsJson || process.stderr.write(printableLines(text))),
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // --help and --version end this way as well.
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (wantsJson && error.exitCode !== 0) {
    const { reportError } = await import("./command.js");
    const message =
      error.code === "commander.help"
        ? "a command is missing"
        : error.message.replace(/^error: /, "");
    reportError(
      new JobctlError("usage", message, { hint: "jobctl --help shows what there is." }),
      error,
      true,
      false,
    );
  }
}

function* withSubcommands(command: typeof program): Generator<typeof program> {
  yield command;
  for (const child of command.commands) yield* withSubcommands(child);
}
