import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { AGENT_TOKEN } from "./cluster.js";

const COMPOSE_FILE = fileURLToPath(new URL("../../../compose/compose.yaml", import.meta.url));

/** Agents in containers, as compose/compose.yaml has them, with a network of their own. */
export class ContainerAgents {
  readonly #project: string;
  readonly #files: readonly string[];
  readonly #environment: Record<string, string>;

  private constructor(project: string, root: string) {
    this.#project = project;
    this.#files = ["--file", COMPOSE_FILE, "--file", join(root, "override.json")];
    this.#environment = { JOBCTL_SECRETS: join(root, "secrets") };
  }

  /**
   * Builds the image and starts one agent.
   *
   * @param root a directory for what belongs to it
   * @param environment what the agent is told besides
   */
  static async start(root: string, environment: Record<string, string>): Promise<ContainerAgents> {
    await mkdir(join(root, "secrets"));
    await writeFile(join(root, "secrets/agent-token"), AGENT_TOKEN);
    // JSON is YAML as well.
    await writeFile(
      join(root, "override.json"),
      JSON.stringify({ services: { agent: { environment } } }),
    );
    const agents = new ContainerAgents(`jobctl-test-${process.pid}`, root);
    try {
      await agents.#compose("up", "--build", "--detach", "--wait", "agent");
    } catch (error) {
      await agents.stop();
      throw error;
    }
    return agents;
  }

  async stop(): Promise<void> {
    await this.#compose("down", "--volumes", "--remove-orphans", "--timeout", "5");
  }

  /** What the engine says of the container. */
  async inspect(): Promise<ContainerState> {
    const id = await this.#compose("ps", "--quiet", "--all", "agent");
    const [container] = JSON.parse(await docker("inspect", id)) as [ContainerState];
    return container;
  }

  /** Address of the agent, and of this machine as the agent sees it. */
  async addresses(): Promise<{ readonly agent: string; readonly host: string }> {
    const { NetworkSettings } = await this.inspect();
    const [network] = Object.values(NetworkSettings.Networks);
    if (network === undefined) throw new Error("the container has no network");
    return { agent: network.IPAddress, host: network.Gateway };
  }

  /** Runs something beside the agent, as its user. */
  async exec(...command: string[]): Promise<string> {
    return this.#compose("exec", "--no-TTY", "agent", ...command);
  }

  /** Starts a second agent in a network that the first one is not in, for as long as somebody looks. */
  async withAnotherNetwork<T>(look: (address: string) => Promise<T>): Promise<T> {
    const name = `${this.#project}-other`;
    const { Image } = await this.inspect();
    await docker("network", "create", name);
    try {
      const listen = "require('node:net').createServer().listen(9000)";
      await docker(
        "run",
        "--detach",
        "--name",
        name,
        "--network",
        name,
        "--entrypoint",
        "node",
        Image,
        "-e",
        listen,
      );
      try {
        const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        return await look(await docker("inspect", "--format", format, name));
      } finally {
        await docker("rm", "--force", name);
      }
    } finally {
      await docker("network", "rm", name);
    }
  }

  async #compose(...args: string[]): Promise<string> {
    const words = ["compose", "--project-name", this.#project, ...this.#files, ...args];
    const { stdout } = await execa("docker", words, { env: this.#environment });
    return stdout;
  }
}

/** The part of `docker inspect` that the tests look at. */
export interface ContainerState {
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: { readonly Pid: number; readonly Running: boolean };
  readonly Config: { readonly Env: readonly string[]; readonly User: string };
  readonly HostConfig: {
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number;
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[];
    readonly Privileged: boolean;
    readonly PortBindings: Record<string, unknown>;
    readonly SecurityOpt: readonly string[];
    readonly Tmpfs: Record<string, string>;
  };
  readonly NetworkSettings: {
    readonly Networks: Record<string, { readonly IPAddress: string; readonly Gateway: string }>;
  };
}

async function docker(...args: string[]): Promise<string> {
  const { stdout } = await execa("docker", args);
  return stdout;
}

/** A file of /proc of a process, as the machine sees it. */
export async function procFile(pid: number, name: string): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, "utf8");
}
