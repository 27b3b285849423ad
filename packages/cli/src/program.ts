import { Command, Option } from "commander";

import { VERSION } from "@jobctl/protocol/version";

/** A repeatable option, also with commas where the values cannot hold one. */
const repeat = (value: string, earlier: readonly string[] | undefined): string[] => [
  ...(earlier ?? []),
  value,
];
const repeatList = (value: string, earlier: readonly string[] | undefined): string[] => [
  ...(earlier ?? []),
  ...value.split(","),
];

/**
 * The whole command line. Nothing but commander is loaded here: each command brings what it needs
 * when it runs.
 */
export function createProgram(): Command {
  const program = new Command("jobctl")
    .description("Submit jobs to a jobctl server, follow them, get their results")
    .version(VERSION, "-V, --version")
    .showHelpAfterError("(add --help for what there is)")
    // A command that has commands of its own, as backup has, takes only the options before their names.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true });

  define(program, "up", "start a server and one agent on this machine")
    .option("--data <dir>", "where everything is stored", ".jobctl")
    .option("--port <n>", "port of the server; 0 takes a free one", "8470")
    .option("--slots <n>", "jobs that run at once (default: the number of CPUs)")
    .action(async (flags) => (await import("./commands/up.js")).up(flags));

  define(program, "submit <path>", "submit a directory, an archive or a script")
    .option("--service <name>", "class of work that the job belongs to")
    .option("--name <text>", "name for people (default: the directory's)")
    .option("--label <k=v>", "mark the job; repeatable", repeat)
    .option("--time <duration>", "time limit, such as 90s or 1h30m")
    .option("--cpus <n>", "CPUs to reserve")
    .option("--memory <size>", "memory to reserve, such as 4G")
    .option("--env <k=v>", "environment variable of the job; repeatable", repeat)
    .option("--priority <n>", "among your own jobs, higher goes first")
    .option(
      "--output <glob>",
      "keep only matching files in the result, such as 'out/**'; repeatable",
      repeat,
    )
    .option("--retries <n>", "try it again when it fails, each time after a longer pause")
    .option("--no-requeue", "do not run it again when its agent is lost")
    .option("--no-validate", "leave the check of run.sh to the agent")
    .option("--wait", "wait for the end, and end with the job's exit code")
    .option("--follow", "show its output, and end with the job's exit code")
    .option("--download <dir>", "wait, then unpack the result into this directory")
    .option("--force", "let --download overwrite files")
    .option("--dry-run", "list what would be sent, and send nothing")
    .option("--idempotency-key <key>", "the same key twice gives one job")
    .action(async (path, flags) => (await import("./commands/submit.js")).submit(path, flags));

  define(program, "status [id...]", "list jobs, or show one")
    .option("--state <status>", "only jobs in this status; repeatable", repeatList)
    .option("--user <name>", "only this user's")
    .option("--mine", "only your own")
    .option("--service <name>", "only of this service")
    .option("--label <k=v>", "only with this label; repeatable", repeat)
    .option("--since <time>", "submitted since, such as 2h or 2026-11-20")
    .option("--limit <n>", "at most this many (default: 50)")
    .addOption(
      new Option("--sort <order>", "order of the list").choices(["newest", "oldest", "runtime"]),
    )
    .option("--watch [every]", "show it again every 2 s, or as given")
    .option("--columns <list>", "columns, separated by commas")
    .option("--no-header", "leave the heading out")
    .action(async (ids, flags) => (await import("./commands/status.js")).status(ids, flags));

  define(program, "wait <id...>", "wait until jobs have ended")
    .option("--any", "until the first of them has ended")
    .option("--timeout <duration>", "give up after this time (exit 101)")
    .action(async (ids, flags) => (await import("./commands/wait.js")).wait(ids, flags));

  define(program, "logs <id>", "show the output of a job")
    .option("-f, --follow", "go on until the job ends")
    .option("--stream <name>", "only stdout or only stderr")
    .option("--tail <n>", "only the last lines of what there is")
    .action(async (id, flags) => (await import("./commands/logs.js")).logs(id, flags));

  define(program, "download <id>", "fetch the result of a job")
    .option("-o, --out <dir>", "unpack into this directory (default: job-ID)")
    .option("--archive <file>", "save the tar archive instead of unpacking it")
    .option("--path <glob>", "only files that match, such as '**/*.csv'")
    .option("--partial", "of a running job: its workspace as it is now")
    .option("--force", "overwrite files")
    .action(async (id, flags) => (await import("./commands/download.js")).download(id, flags));

  define(program, "cancel <id...>", "stop jobs")
    .option("--wait", "until they have stopped")
    .action(async (ids, flags) => (await import("./commands/cancel.js")).cancel(ids, flags));

  define(program, "validate [path...]", "check scripts as an agent would before it runs them")
    .option("--format <name>", "text, json or sarif")
    .option("--profile <name>", "strict, standard or permissive")
    .option("--network", "as for a service whose jobs have the network")
    .option("--list-rules", "list all rules instead, those of the site among them")
    .action(async (paths, flags) =>
      (await import("./commands/validate.js")).validateScripts(paths, flags),
    );

  define(program, "queue", "show what waits, why, and at which place")
    .option("--limit <n>", "at most this many (default: 50)")
    .option("--no-header", "leave the heading out")
    .action(async (flags) => (await import("./commands/queue.js")).queue(flags));

  define(program, "events <id>", "show every change of a job")
    .option("--no-header", "leave the heading out")
    .action(async (id, flags) => (await import("./commands/events.js")).events(id, flags));

  const agents = program.command("agents").description("look at the agents, add and remove some");
  define(agents, "list", "list the agents")
    .option("--check", "exit 109 when one is down")
    .option("--no-header", "leave the heading out")
    .action(async (flags) => (await import("./commands/agents.js")).agentsList(flags));
  define(agents, "load", "show how busy they are, as last reported")
    .option("--live", "ask the agents now")
    .option("--no-header", "leave the heading out")
    .action(async (flags) => (await import("./commands/agents.js")).agentsLoad(flags));
  define(agents, "add <url>", "give jobs to one more agent, such as http://host:9000")
    .option(
      "--one-time",
      "print a one-time secret for this agent, valid for a day; start the agent with it",
    )
    .option("--secret-file <file>", "the secret that the agent has to prove; - reads it from stdin")
    .action(async (url, flags) => (await import("./commands/agents.js")).agentsAdd(url, flags));
  define(agents, "remove <agent>", "forget an agent that was added, by name or URL").action(
    async (agent, flags) => (await import("./commands/agents.js")).agentsRemove(agent, flags),
  );
  define(agents, "forget-key <name>", "let an agent that has lost its key enrol again").action(
    async (name, flags) => (await import("./commands/agents.js")).agentsForgetKey(name, flags),
  );
  define(agents, "drain <name>", "give an agent no new work")
    .option("--deadline <duration>", "then stop what it runs, and queue it again")
    .action(async (name, flags) => (await import("./commands/agents.js")).agentsDrain(name, flags));
  define(agents, "resume <name>", "give an agent work again").action(async (name, flags) =>
    (await import("./commands/agents.js")).agentsResume(name, flags),
  );
  define(agents, "reset [name]", "let calls to an agent through again after failures")
    .option("--all", "for all agents")
    .action(async (name, flags) => (await import("./commands/agents.js")).agentsReset(name, flags));

  define(program, "usage", "show who uses how much, and how long the disk will last")
    .option("--user <name>", "only this user")
    .option("--mine", "only you")
    .option("--since <time>", "count jobs submitted since then, such as 30d or 2026-11-01")
    .option("--no-header", "leave the heading out")
    .action(async (flags) => (await import("./commands/usage.js")).usage(flags));

  define(program, "gc", "remove what is stored and belongs to no job")
    .option("--dry-run", "only say what would be removed")
    .option("--verify", "read everything through; exit 1 when something is damaged or missing")
    .option("--force", "also when it is more than removed jobs can have left")
    .option("--yes", "do not ask")
    .action(async (flags) => (await import("./commands/admin.js")).gc(flags));

  const backup = define(
    program,
    "backup [dir]",
    "copy the server's data into a directory (default: jobctl-backup), only what is new; exit 110 when it is complete but for damaged files",
  )
    .option("--keep-days <n>", "remove older snapshots, never the newest good one")
    .action(async (directory, flags) =>
      (await import("./commands/backup.js")).backup(directory ?? "jobctl-backup", flags),
    );
  define(backup, "list <dir>", "list the snapshots in a backup")
    // Not the options of backup itself.
    .configureHelp({ showGlobalOptions: false })
    .option("--no-header", "leave the heading out")
    .action(async (directory, flags) =>
      (await import("./commands/backup.js")).backupList(directory, flags),
    );
  define(
    backup,
    "verify <dir>",
    "compare every digest of a backup, or of one snapshot; exit 1 when one is wrong",
  )
    .configureHelp({ showGlobalOptions: false })
    .option("--no-header", "leave the heading out")
    .action(async (directory, flags) =>
      (await import("./commands/backup.js")).backupVerify(directory, flags),
    );

  define(
    program,
    "restore <snapshot>",
    "make a data directory from a snapshot; exit 110 when it is complete but for damaged files",
  )
    .requiredOption("--data <dir>", "the server's data directory; no server may be running on it")
    .option(
      "--blob <sha256>",
      "only put this file back, also while the server runs; repeatable",
      repeat,
    )
    .option("--force", "set aside what is there")
    .option(
      "--take-over",
      "replace the server that was backed up: the same installation and agents",
    )
    .option("--dry-run", "only verify the snapshot")
    .option("--yes", "do not ask")
    .action(async (snapshot, flags) =>
      (await import("./commands/restore.js")).restoreSnapshot(snapshot, flags),
    );

  define(program, "vacuum", "check the database, and give free space back")
    .option("--check", "only check")
    .option("--older-than <duration>", "remove jobs that ended longer ago, such as 90d")
    .option("--dry-run", "only check, and say how many jobs would be removed")
    .option("--yes", "do not ask")
    .action(async (flags) => (await import("./commands/backup.js")).vacuum(flags));

  const admin = program.command("admin").description("look after the server");
  define(admin, "reconcile", "compare the jobs with what the agents hold")
    .option("--dry-run", "only say what would be done")
    .option("--no-header", "leave the heading out")
    .action(async (flags) => (await import("./commands/admin.js")).reconcile(flags));
  define(admin, "leader", "show which server is active on the data directory").action(
    async (flags) => (await import("./commands/admin.js")).leader(flags),
  );

  const config = program.command("config").description("look at and change your configuration");
  define(config, "show", "show what is configured")
    .option("--origin", "and where each value comes from")
    .action(async (flags) => (await import("./commands/config.js")).configShow(flags));
  define(
    config,
    "set <key> [value]",
    "set a value in your own file; a token is read from stdin",
  ).action(async (key, value, flags) =>
    (await import("./commands/config.js")).configSet(key, value, flags),
  );
  define(config, "path", "print where your file is").action(async (flags) =>
    (await import("./commands/config.js")).configPath(flags),
  );

  define(program, "doctor", "look for problems, and say what to do about them").action(
    async (flags) => (await import("./commands/doctor.js")).doctor(flags),
  );

  define(program, "completion <shell>", "print a completion script for bash, zsh or fish").action(
    async (shell, flags) =>
      (await import("./commands/completion.js")).completion(shell, flags, program),
  );

  return program;
}

/** A command with the options that every command has. */
function define(parent: Command, usage: string, description: string) {
  return parent
    .command(usage)
    .description(description)
    .option("--json", "print one JSON value")
    .option("-q, --quiet", "print no words for people")
    .option("--no-progress", "show no progress")
    .option("--server <url>", "address of the server")
    .option("--debug", "print where an error comes from");
}
