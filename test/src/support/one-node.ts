import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/**
 * A program that starts a cluster of one node in a directory, prints lines `NAME=VALUE` with `KUBECONFIG` among them
 * and an empty line when it is up, and ends it when its standard input is closed.
 */
const PROGRAM = process.env["JOBCTL_KUBERNETES_START"] ?? "";

/** Why tests with a cluster are skipped; scripts/compliance.mjs knows it by its first word. */
export const NO_CLUSTER = "JOBCTL_KUBERNETES_START names no program that starts a cluster";

/** A real Kubernetes of one node, for as long as a test needs it. */
export class OneNode {
  /** Why tests with a cluster are skipped; false where there is a program that starts one. */
  static readonly skip: string | false = PROGRAM === "" ? NO_CLUSTER : false;

  readonly configuration: string;
  readonly #root: string;
  readonly #child: ChildProcess;

  private constructor(configuration: string, root: string, child: ChildProcess) {
    this.configuration = configuration;
    this.#root = root;
    this.#child = child;
  }

  static async start(): Promise<OneNode> {
    const root = await mkdtemp(join(tmpdir(), "jobctl-one-node-"));
    // A process group of its own: what it cleans up with must not reach the tests.
    const child = spawn(PROGRAM, [join(root, "cluster")], {
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    });
    let configuration: string | null = null;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith("KUBECONFIG=")) configuration = line.slice("KUBECONFIG=".length);
      if (line === "" && configuration !== null) return new OneNode(configuration, root, child);
    }
    await rm(root, { recursive: true, force: true });
    throw new Error(`${PROGRAM} has not started a cluster`);
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, "exit");
    await rm(this.#root, { recursive: true, force: true });
  }
}
