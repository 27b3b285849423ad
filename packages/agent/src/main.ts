#!/usr/bin/env node
import { withArguments } from "@jobctl/daemon/arguments";

const HELP = `Usage: jobctl-agent

The jobctl agent: takes jobs from a jobctl server, runs them in a sandbox, keeps their results until they are
fetched. The server connects to it. It runs until SIGTERM, and lets running jobs end first.

  -h, --help      prints this
  -V, --version   prints the version

Its settings are environment variables: docs/configuration.md lists them. Required at the first start is
JOBCTL_AGENT_TOKEN_FILE, a file with the secret that it shares with its server; JOBCTL_AGENT_DATA_PATH says
where it keeps its data, JOBCTL_AGENT_HOST and JOBCTL_AGENT_PORT where it listens. docs/runbook.md says what
to do when it does not start.
`;

await withArguments(
  { name: "jobctl-agent", help: HELP, choices: [] },
  process.argv.slice(2),
  async () => (await import("./run.js")).runAgent(),
);
