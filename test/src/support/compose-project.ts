import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

/** The files that are shipped for containers. */
export const COMPOSE_DIRECTORY = fileURLToPath(new URL("../../../compose/", import.meta.url));

/** The part of `docker inspect` that the tests look at. */
export interface ContainerState {
  readonly Id: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Pid: number;
    readonly Running: boolean;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: {
    readonly Env: readonly string[];
    readonly User: string;
    readonly Healthcheck?: { readonly Test: readonly string[] };
  };
  readonly HostConfig: {
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number;
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[];
    readonly Privileged: boolean;
    readonly PortBindings: Record<string, unknown> | null;
    readonly SecurityOpt: readonly string[];
    readonly Tmpfs: Record<string, string>;
    readonly RestartPolicy: { readonly Name: string };
    readonly LogConfig: { readonly Type: string; readonly Config: Record<string, string> };
  };
  readonly Mounts: readonly { readonly Destination: string; readonly RW: boolean }[];
  readonly NetworkSettings: {
    readonly Networks: Record<string, { readonly IPAddress: string; readonly Gateway: string }>;
    readonly Ports: Record<string, readonly { readonly HostIp: string }[] | null>;
  };
}

/** The shipped compose file as a project with a name of its own. */
export class ComposeProject {
  readonly name: string;
  readonly #files: readonly string[];
  readonly #environment: Record<string, string>;

  /**
   * @param overrides files that come after the shipped one
   * @param environment variables that the files refer to
   */
  constructor(name: string, overrides: readonly string[], environment: Record<string, string>) {
    this.name = `${name}-${process.pid}`;
    this.#files = [`${COMPOSE_DIRECTORY}compose.yaml`, ...overrides];
    this.#environment = environment;
  }

  async run(...args: string[]): Promise<string> {
    const files = this.#files.flatMap((file) => ["--file", file]);
    const words = ["compose", "--project-name", this.name, ...files, ...args];
    const { stdout } = await execa("docker", words, { env: this.#environment });
    return stdout;
  }

  /** Runs something in a container of a service, as its user. */
  async exec(service: string, ...command: string[]): Promise<string> {
    return this.run("exec", "--no-TTY", service, ...command);
  }

  /** What the engine says of the containers of a service. */
  async inspect(service: string): Promise<ContainerState[]> {
    const ids = await this.run("ps", "--quiet", "--all", service);
    return JSON.parse(await docker("inspect", ...ids.split("\n"))) as ContainerState[];
  }

  async down(): Promise<void> {
    await this.run("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5");
  }
}

export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await execa("docker", args);
  return stdout;
}

/** A file of /proc of a process, as the machine sees it. */
export async function procFile(pid: number, name: string): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, "utf8");
}
