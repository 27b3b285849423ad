import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { Agent, Job } from "@jobctl/protocol";
import { execa } from "execa";

import { DaemonProcess } from "./daemon-process.js";

/** The built command line. */
export const CLI = fileURLToPath(import.meta.resolve("@jobctl/cli/main"));
const ADMIN_TOKEN = "test-admin-token";
export const AGENT_TOKEN = "test-agent-token";

export interface ClusterOptions {
  readonly agents?: number;
  /** Agents that somebody else has started, with the token of `AGENT_TOKEN`. */
  readonly agentUrls?: readonly string[];
  /** The address at which the server is to find an agent, given the agent's own. */
  readonly via?: (agentUrl: string) => string | Promise<string>;
  readonly server?: Record<string, string>;
  /** Settings of every agent, or of agent `agent-<n>`. */
  readonly agent?: Record<string, string> | ((n: number) => Record<string, string>);
  /** The main file of what is started next, where it is not of this release. */
  readonly mainOf?: (kind: "server" | "agent") => string | undefined;
}

/** How a call of the command line ended. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly input?: string;
  /** Killed when it has not ended by then. */
  readonly timeoutMs?: number;
}

/** A server and agents of its own on loopback, with everything in one temporary directory. */
export class Cluster {
  readonly root: string;
  readonly agents: DaemonProcess[] = [];
  #server: DaemonProcess | null = null;
  readonly #options: ClusterOptions;
  #serverPort = "0";
  #agentUrls: string[] | null = null;

  private constructor(root: string, options: ClusterOptions) {
    this.root = root;
    this.#options = options;
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const root = await mkdtemp(join(tmpdir(), "jobctl-test-"));
    const cluster = new Cluster(root, options);
    await mkdir(join(root, "home"));
    await writeFile(join(root, "admin.token"), ADMIN_TOKEN);
    await writeFile(join(root, "agent.token"), AGENT_TOKEN);
    for (let n = 1; n <= (options.agents ?? 1); n += 1) await cluster.startAgent(n);
    await cluster.startServer();
    if (options.server?.["JOBCTL_RATE_LIMIT"] === undefined) await cluster.#meetAgents();
    return cluster;
  }

  /** Waits until the server has spoken to each agent, or says why it could not; not for long. */
  async #meetAgents(): Promise<void> {
    const until = performance.now() + 5000;
    while (performance.now() < until) {
      const answer = await this.request("/v1/agents");
      if (!answer.ok) return;
      const { items } = (await answer.json()) as { items: Agent[] };
      if (items.every(({ name, problem }) => name !== null || problem !== null)) return;
      await delay(20);
    }
  }

  get server(): DaemonProcess {
    if (this.#server === null) throw new Error("the server is not running");
    return this.#server;
  }

  get dataPath(): string {
    return this.#options.server?.["JOBCTL_DATA_PATH"] ?? join(this.root, "server");
  }

  /** Where agent `agent-<n>` keeps its data. */
  agentDataPath(n: number): string {
    const { agent } = this.#options;
    const settings = typeof agent === "function" ? agent(n) : agent;
    return settings?.["JOBCTL_AGENT_DATA_PATH"] ?? join(this.root, `agent-${n}`);
  }

  /** Environment in which the command line finds this cluster and nothing of the user's. */
  get environment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: join(this.root, "home"),
      JOBCTL_SERVER: this.server.url,
      JOBCTL_TOKEN_FILE: join(this.root, "admin.token"),
    };
  }

  /**
   * @param extra variables for this time only
   * @param args arguments for this time only
   */
  async startServer(
    extra: Record<string, string> = {},
    args: readonly string[] = [],
  ): Promise<void> {
    this.#agentUrls ??= [
      ...(await Promise.all(this.agents.map(async ({ url }) => this.#options.via?.(url) ?? url))),
      ...(this.#options.agentUrls ?? []),
    ];
    this.#server = await this.#launchServer({ JOBCTL_PORT: this.#serverPort, ...extra }, args);
    // A server that is started again has the same address.
    this.#serverPort = new URL(this.#server.url).port;
  }

  /** A second server on the same data directory, with a port of its own. */
  async startStandby(extra: Record<string, string> = {}): Promise<DaemonProcess> {
    return this.#launchServer({ JOBCTL_PORT: "0", ...extra });
  }

  #launchServer(
    extra: Record<string, string>,
    args: readonly string[] = [],
  ): Promise<DaemonProcess> {
    return DaemonProcess.start(
      "server",
      {
        JOBCTL_DATA_PATH: this.dataPath,
        JOBCTL_ADMIN_TOKEN_FILE: join(this.root, "admin.token"),
        JOBCTL_AGENT_TOKEN_FILE: join(this.root, "agent.token"),
        JOBCTL_AGENTS: (this.#agentUrls ?? []).join(","),
        JOBCTL_MIN_FREE_BYTES: "0",
        JOBCTL_RATE_LIMIT: "0",
        JOBCTL_MAX_CONNECTIONS_PER_ADDRESS: "0",
        ...this.#options.server,
        ...extra,
      },
      join(this.root, "server.log"),
      this.#launch("server", args),
    );
  }

  /** Starts agent `agent-<n>`, or starts it again at the same address with the same data. */
  async startAgent(n: number, extra: Record<string, string> = {}): Promise<void> {
    const earlier = this.agents[n - 1];
    const { agent } = this.#options;
    this.agents[n - 1] = await DaemonProcess.start(
      "agent",
      {
        JOBCTL_AGENT_NAME: `agent-${n}`,
        JOBCTL_AGENT_PORT: earlier === undefined ? "0" : new URL(earlier.url).port,
        JOBCTL_AGENT_DATA_PATH: this.agentDataPath(n),
        JOBCTL_AGENT_TOKEN_FILE: join(this.root, "agent.token"),
        JOBCTL_AGENT_SANDBOX: "process",
        JOBCTL_AGENT_SLOTS: "4",
        JOBCTL_AGENT_CPUS: "4",
        JOBCTL_AGENT_KILL_GRACE_SECONDS: "1",
        JOBCTL_DRAIN_SECONDS: "5",
        ...(typeof agent === "function" ? agent(n) : agent),
        ...extra,
      },
      join(this.root, `agent-${n}.log`),
      this.#launch("agent"),
    );
  }

  #launch(kind: "server" | "agent", args: readonly string[] = []): (main: string) => string[] {
    return (main) => [process.execPath, this.#options.mainOf?.(kind) ?? main, ...args];
  }

  async stop(): Promise<void> {
    for (const agent of this.agents) await agent.end("SIGTERM");
    await this.#server?.end("SIGTERM");
    await rm(this.root, { recursive: true, force: true });
  }

  /** Runs the built command line against this cluster. */
  async jobctl(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const { exitCode, stdout, stderr } = await this.spawn(args, options);
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** The same as a process that is still running. */
  spawn(args: readonly string[], options: CliOptions = {}) {
    return execa(process.execPath, [CLI, ...args], {
      cwd: options.cwd ?? this.root,
      env: { ...this.environment, ...options.env },
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      ...(options.timeoutMs === undefined
        ? {}
        : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
      ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    });
  }

  /** The same at a terminal of its own, at which somebody answers a question; stdout has all that it shows. */
  async atTerminal(args: readonly string[], question: RegExp, answer: string): Promise<CliResult> {
    const command = [process.execPath, CLI, ...args].map((word) => `'${word}'`).join(" ");
    const terminal = execa("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: this.root,
      env: this.environment,
      extendEnv: false,
      reject: false,
      stdin: "pipe",
    });
    let shown = "";
    terminal.stdout.on("data", (chunk: Buffer) => {
      const wasAsked = question.test(shown);
      shown += chunk.toString();
      if (!wasAsked && question.test(shown)) terminal.stdin.write(answer);
    });
    const { exitCode, stdout, stderr } = await terminal;
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** A call that is expected to succeed. */
  async ok(args: readonly string[], options: CliOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.jobctl(args, options);
    if (exitCode === 0) return stdout;
    throw new Error(`jobctl ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
  }

  /** A job directory of these files; names that end in a slash are directories. */
  async makeJob(files: Readonly<Record<string, string>>): Promise<string> {
    const directory = await mkdtemp(join(this.root, "job-"));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(directory, name, ".."), { recursive: true });
      await writeFile(join(directory, name), content);
    }
    return directory;
  }

  /** Makes a program of a script of bash. */
  async makeProgram(path: string, script: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/bash\n${script}`, { mode: 0o755 });
  }

  /** Submits a script as a job. */
  async submitScript(script: string, ...args: string[]): Promise<number> {
    const directory = await this.makeJob({ "run.sh": script });
    return Number(await this.ok(["submit", directory, ...args]));
  }

  async job(id: number): Promise<Job> {
    return JSON.parse(await this.ok(["status", String(id), "--json"])) as Job;
  }

  /** Headers with the token. */
  get authorization(): Record<string, string> {
    return { authorization: `Bearer ${ADMIN_TOKEN}` };
  }

  /** A request to the server's interface, with the token. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.server.url}${path}`, {
      ...init,
      headers: { ...this.authorization, ...init.headers },
    });
  }

  /** Names of all blobs that are stored. */
  async blobs(): Promise<string[]> {
    const names = await readdir(join(this.dataPath, "blobs"), { recursive: true });
    return names.map((name) => name.split("/").at(-1) ?? "").filter((name) => name.length === 64);
  }

  blobPath(digest: string): string {
    return join(this.dataPath, "blobs/sha256", digest.slice(0, 2), digest);
  }

  /** What is being written at the moment. */
  async temporaryFiles(): Promise<string[]> {
    return readdir(join(this.dataPath, "tmp"));
  }
}
