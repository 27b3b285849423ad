import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { AGENT_TOKEN } from "./cluster.js";
import { ComposeProject, docker, procFile, type ContainerState } from "./compose-project.js";

/** As in compose/agent.Dockerfile. */
const ENTRY_POINT = ["tini", "--", "node", "/opt/jobctl/packages/agent/dist/main.js"];

/** Agents in containers, as compose/compose.yaml has them, with a network of their own. */
export class ContainerAgents {
  readonly #project: ComposeProject;

  private constructor(project: ComposeProject) {
    this.#project = project;
  }

  /**
   * Builds the image and starts one agent.
   *
   * @param root a directory for what belongs to it
   * @param environment what the agent is told besides
   * @param launcher a command of the image that becomes the image's own entry point, its arguments
   */
  static async start(
    root: string,
    environment: Record<string, string>,
    launcher: readonly string[] = [],
  ): Promise<ContainerAgents> {
    await mkdir(join(root, "secrets"));
    await writeFile(join(root, "secrets/agent-token"), AGENT_TOKEN);
    // JSON is YAML as well.
    const override = join(root, "override.json");
    const entry =
      launcher.length === 0 ? {} : { entrypoint: [...launcher, ...ENTRY_POINT].map(escapeDollars) };
    await writeFile(override, JSON.stringify({ services: { agent: { environment, ...entry } } }));
    const settings = { JOBCTL_SECRETS: join(root, "secrets") };
    const project = new ComposeProject("jobctl-test", [override], settings);
    const agents = new ContainerAgents(project);
    try {
      await project.run("up", "--build", "--detach", "--wait", "agent");
    } catch (error) {
      await agents.stop();
      throw error;
    }
    return agents;
  }

  async stop(): Promise<void> {
    await this.#project.down();
  }

  /** What the engine says of the container. */
  async inspect(): Promise<ContainerState> {
    const [container] = await this.#project.inspect("agent");
    if (container === undefined) throw new Error("there is no container");
    return container;
  }

  /** The agent itself, as the machine numbers it: the child of the container's first process. */
  async agentPid(): Promise<number> {
    const { State } = await this.inspect();
    const tasks = await readdir(`/proc/${State.Pid}/task`);
    const children = await procFile(State.Pid, `task/${tasks[0]}/children`);
    return Number(children.trim().split(" ")[0]);
  }

  /** Address of the agent, and of this machine as the agent sees it. */
  async addresses(): Promise<{ readonly agent: string; readonly host: string }> {
    const { NetworkSettings } = await this.inspect();
    const [network] = Object.values(NetworkSettings.Networks);
    if (network === undefined) throw new Error("the container has no network");
    return { agent: network.IPAddress, host: network.Gateway };
  }

  /** What the agent has logged. */
  async log(): Promise<string> {
    return this.#project.run("logs", "--no-log-prefix", "agent");
  }

  /** Runs something beside the agent, as its user. */
  async exec(...command: string[]): Promise<string> {
    return this.#project.exec("agent", ...command);
  }

  /** Starts a second container in a network that the first one is not in, for as long as somebody looks. */
  async withAnotherNetwork<T>(look: (address: string) => Promise<T>): Promise<T> {
    const name = `${this.#project.name}-other`;
    const { Image } = await this.inspect();
    await docker("network", "create", name);
    try {
      const listen = "require('node:net').createServer().listen(9000)";
      await docker(
        ...["run", "--detach", "--name", name, "--network", name, "--entrypoint", "node"],
        ...[Image, "-e", listen],
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
}

/** Compose replaces variables in what it reads. */
function escapeDollars(word: string): string {
  return word.replaceAll("$", "$$$$");
}
