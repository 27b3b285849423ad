#!/usr/bin/env node
import { withArguments } from "@jobctl/daemon/arguments";

const HELP = `Usage: jobctl-server [check | --new | --take-over]

The jobctl server: stores jobs, gives them to agents, keeps their results. It runs until SIGTERM.

  (no argument)   starts it; a second one on the same data stands by until the first ends
  check           says what a start would find, and starts nothing; exit code 1 when something is missing
  --new           starts it as a new installation where the database and the files beside it do not
                  belong together: sets aside what is there. Once and by hand
  --take-over     starts it as the one server of its installation: agents leave every other one. For data
                  that were copied back by hand; jobctl restore --take-over does it by itself
  -h, --help      prints this
  -V, --version   prints the version

Its settings are environment variables: docs/configuration.md lists them. Required is
JOBCTL_ADMIN_TOKEN_FILE, a file with the token of its users; JOBCTL_DATA_PATH says where it keeps its data,
JOBCTL_AGENTS where its agents are. docs/runbook.md says what to do when it does not start.
`;

await withArguments(
  { name: "jobctl-server", help: HELP, choices: ["check", "--new", "--take-over"] },
  process.argv.slice(2),
  async (choice) => {
    const { runChecks, runServer } = await import("./run.js");
    return choice === "check"
      ? runChecks()
      : runServer({ beginsAnew: choice === "--new", takesOver: choice === "--take-over" });
  },
);
