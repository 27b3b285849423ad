import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { requirePlainPath } from "@jobctl/daemon/files";
import { JobctlError, isErrorCode } from "@jobctl/protocol/error";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { lastUpPath, writePrivateFile } from "../config.js";

export interface UpFlags extends CommonFlags {
  readonly data: string;
  readonly port: string;
  readonly slots?: string;
}

interface Daemon {
  readonly name: "server" | "agent";
  readonly url: string;
  readonly process: ChildProcess;
  readonly logFile: string;
}

/** A server and one agent on this machine, for as long as this command runs. */
export async function up(flags: UpFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const { output } = context;
    const dataDir = requirePlainPath("--data", flags.data);
    mkdirSync(join(dataDir, "logs"), { recursive: true, mode: 0o700 });
    const adminToken = readOrMakeToken(join(dataDir, "admin.token"));
    readOrMakeToken(join(dataDir, "agent.token"));
    const started: Daemon[] = [];
    context.onInterrupt("Everything has been stopped.");
    context.onSecondInterrupt(() => {
      for (const daemon of started) daemon.process.kill("SIGTERM");
    });
    try {
      // The server first: it is what notices that the data directory is taken.
      const agentPort = await freePort();
      started.push(
        await startDaemon("server", serverEnvironment(dataDir, flags, agentPort), dataDir),
      );
      started.push(await startAgent(agentEnvironment(dataDir, flags, agentPort), dataDir, context));
      const [server, agent] = started as [Daemon, Daemon];
      const connection = `${JSON.stringify({ url: server.url, token: adminToken, pid: process.pid }, null, 2)}\n`;
      const upFiles = [join(dataDir, "up.json"), lastUpPath(process.env)];
      for (const path of upFiles) writeConnection(path, connection);
      try {
        announce(server, agent, dataDir, context);
        warnAboutRoot(context);
        await untilStoppedOrFailed(started, context.signal);
      } finally {
        for (const path of upFiles) removeOwnConnection(path);
      }
    } finally {
      output.note("Stopping: running jobs get time to finish; Ctrl-C again does not wait.");
      // The agent first, while there is still a server to take its results.
      for (const daemon of started.toReversed()) await stopDaemon(daemon);
      output.note("Stopped.");
    }
  });
}

/** Jobs of an agent that runs as root have root's files one mistake away. */
function warnAboutRoot({ output }: Context): void {
  if (process.geteuid?.() !== 0) return;
  output.note(
    "Warning: this runs as root, which jobctl does not need: what escapes a sandbox is root.\n" +
      "  Run it as another user: useradd --create-home jobctl && sudo -u jobctl -H jobctl up --data DIR,\n" +
      "  where DIR is that user's. The repository has systemd units that do so.",
  );
}

function announce(server: Daemon, agent: Daemon, dataDir: string, { output }: Context): void {
  if (output.flags.json) {
    output.json({
      schema: "jobctl.up/v1",
      server: server.url,
      dataDir,
      tokenFile: join(dataDir, "admin.token"),
      agents: [agent.url],
    });
    return;
  }
  output.line(`server  ${server.url}`);
  output.line(`agent   ${agent.url}`);
  output.line(`data    ${dataDir}`);
  output.line(`logs    ${join(dataDir, "logs")}`);
  output.note("Ready. Submit a job from another terminal: jobctl submit DIR\nCtrl-C stops both.");
}

function serverEnvironment(
  dataDir: string,
  flags: UpFlags,
  agentPort: number,
): Record<string, string> {
  return {
    JOBCTL_HOST: "127.0.0.1",
    JOBCTL_PORT: flags.port,
    JOBCTL_STANDBY: "false",
    JOBCTL_DATA_PATH: join(dataDir, "server"),
    JOBCTL_ADMIN_TOKEN_FILE: join(dataDir, "admin.token"),
    JOBCTL_AGENT_TOKEN_FILE: join(dataDir, "agent.token"),
    JOBCTL_AGENTS: `http://127.0.0.1:${agentPort}`,
  };
}

function agentEnvironment(
  dataDir: string,
  flags: UpFlags,
  agentPort: number,
): Record<string, string> {
  return {
    JOBCTL_AGENT_NAME: "local",
    JOBCTL_AGENT_HOST: "127.0.0.1",
    JOBCTL_AGENT_PORT: String(agentPort),
    JOBCTL_AGENT_DATA_PATH: join(dataDir, "agent"),
    JOBCTL_AGENT_TOKEN_FILE: join(dataDir, "agent.token"),
    ...(flags.slots === undefined ? {} : { JOBCTL_AGENT_SLOTS: flags.slots }),
  };
}

/** An agent with a sandbox where there can be one; without one, and with a warning, elsewhere. */
async function startAgent(
  environment: Record<string, string>,
  dataDir: string,
  { output }: Context,
): Promise<Daemon> {
  try {
    return await startDaemon(
      "agent",
      { JOBCTL_AGENT_SANDBOX: "bubblewrap", ...environment },
      dataDir,
    );
  } catch (error) {
    if (!(error instanceof JobctlError) || error.code !== "sandbox_unavailable") throw error;
    output.note(
      `Warning: jobs run WITHOUT A SANDBOX, as ordinary processes of yours: ${error.message}.`,
    );
    if (error.hint !== null) output.note(`  ${error.hint}`);
    return startDaemon("agent", { ...environment, JOBCTL_AGENT_SANDBOX: "process" }, dataDir);
  }
}

/** @throws JobctlError the daemon's own, or `daemon_failed` */
async function startDaemon(
  name: Daemon["name"],
  environment: Record<string, string>,
  dataDir: string,
): Promise<Daemon> {
  const logFile = join(dataDir, "logs", `${name}.log`);
  const log = openSync(logFile, "a", 0o600);
  const main = fileURLToPath(import.meta.resolve(`@jobctl/${name}/main`));
  const child = fork(main, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", log, log, "ipc"],
    // Ctrl-C reaches the whole foreground group; the daemons are stopped in order instead.
    detached: true,
  });
  closeSync(log);
  const message = await Promise.race([
    once(child, "message").then(([told]) => told as Record<string, unknown>),
    once(child, "exit").then(() => null),
  ]);
  if (message?.["event"] === "ready")
    return { name, url: String(message["url"]), process: child, logFile };
  const code = message?.["code"];
  throw new JobctlError(
    isErrorCode(code) ? code : "daemon_failed",
    message === null ? `the ${name} ended while it was starting` : String(message["message"]),
    { hint: typeof message?.["hint"] === "string" ? message["hint"] : `Its log is ${logFile}.` },
  );
}

/** @throws JobctlError `daemon_failed` when one of them ends by itself */
async function untilStoppedOrFailed(
  daemons: readonly Daemon[],
  signal: AbortSignal,
): Promise<void> {
  const interrupted = signal.aborted ? Promise.resolve() : once(signal, "abort").then(() => {});
  const failed = daemons.map(async (daemon) => {
    await once(daemon.process, "exit");
    if (signal.aborted) return;
    throw new JobctlError("daemon_failed", `the ${daemon.name} ended unexpectedly`, {
      hint: `Its log is ${daemon.logFile}.`,
    });
  });
  await Promise.race([interrupted, ...failed]);
}

async function stopDaemon({ process: child }: Daemon): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

function readOrMakeToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const token = randomBytes(32).toString("base64url");
    writePrivateFile(path, `${token}\n`);
    return token;
  }
}

function writeConnection(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writePrivateFile(path, content);
}

/** Another `jobctl up` may have written its own since. */
function removeOwnConnection(path: string): void {
  try {
    const { pid } = JSON.parse(readFileSync(path, "utf8")) as { pid?: number };
    if (pid === process.pid) rmSync(path);
  } catch {
    // Gone already.
  }
}

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
