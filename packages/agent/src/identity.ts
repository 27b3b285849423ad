import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { makeKeyPair, replaceFile, type KeyPair } from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";
import { z } from "zod";

const keySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** The installation that an agent serves. */
const pinnedServerSchema = z.object({ installation: z.uuid(), key: keySchema });
export type PinnedServer = z.infer<typeof pinnedServerSchema>;

const identitySchema = z.object({
  schema: z.literal("jobctl.agent-identity/v1"),
  publicKey: keySchema,
  privateKey: keySchema,
  server: pinnedServerSchema.nullable(),
  epoch: z.int().nonnegative().default(0),
});

type StoredIdentity = z.infer<typeof identitySchema>;

/** Where an agent keeps its key pair, and which installation it serves. */
function identityPath(dataPath: string): string {
  return join(dataPath, "identity.json");
}

/**
 * Whether an agent with this data directory has been enrolled.
 *
 * @throws JobctlError `config_invalid` when its identity is there and cannot be used
 */
export function isEnrolled(dataPath: string): boolean {
  return readIdentity(identityPath(dataPath))?.server != null;
}

/**
 * An agent's own key pair, made at its first start, the installation that it has been enrolled with, and the highest
 * epoch of that one's servers that it has worked with. They stay for as long as the data directory does.
 */
export class Identity {
  readonly path: string;
  readonly keys: KeyPair;
  #server: PinnedServer | null;
  #epoch: number;

  private constructor(path: string, keys: KeyPair, server: PinnedServer | null, epoch: number) {
    this.path = path;
    this.keys = keys;
    this.#server = server;
    this.#epoch = epoch;
  }

  /** @throws JobctlError `config_invalid` when the file is there and cannot be used */
  static async open(dataPath: string): Promise<Identity> {
    const path = identityPath(dataPath);
    const known = readIdentity(path);
    if (known !== null) {
      const { publicKey, privateKey, server, epoch } = known;
      return new Identity(path, { publicKey, privateKey }, server, epoch);
    }
    const identity = new Identity(path, makeKeyPair(), null, 0);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await identity.store();
    return identity;
  }

  get server(): PinnedServer | null {
    return this.#server;
  }

  /** Of the newest server of the installation that this agent has worked with; 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Raises the epoch, durably where the file can be written. Otherwise this process knows it, and the file gets it as
   * soon as the data folder can be used (`isCurrent`).
   */
  async raiseEpoch(epoch: number): Promise<void> {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    try {
      // Nothing is written in place of a volume that is gone.
      if (this.isStored()) await this.store();
    } catch {
      // The data folder says what is wrong with it.
    }
  }

  /**
   * Pins the installation durably. Only the first call has an effect.
   *
   * @throws the file system's error, and then nothing has changed
   */
  async pin(server: PinnedServer): Promise<void> {
    if (this.#server !== null) return;
    this.#server = server;
    try {
      await this.store();
    } catch (error) {
      this.#server = null;
      throw error;
    }
  }

  /**
   * Whether its file is there.
   *
   * @throws JobctlError `config_invalid` when it cannot be read, or is another agent's
   */
  isStored(): boolean {
    return this.#readOwn() !== null;
  }

  /**
   * Whether its file is there, and knows the highest epoch.
   *
   * @throws JobctlError `config_invalid` when it cannot be read, or is another agent's
   */
  isCurrent(): boolean {
    return (this.#readOwn()?.epoch ?? -1) >= this.#epoch;
  }

  #readOwn(): StoredIdentity | null {
    const stored = readIdentity(this.path);
    if (stored === null || stored.publicKey === this.keys.publicKey) return stored;
    throw new JobctlError("config_invalid", `${this.path} is the identity of another agent`);
  }

  /**
   * Writes its file, durably.
   *
   * @throws the file system's error
   */
  async store(): Promise<void> {
    const [server, epoch] = [this.#server, this.#epoch];
    const content = { schema: "jobctl.agent-identity/v1", ...this.keys, server, epoch };
    await replaceFile(this.path, `${JSON.stringify(content, null, 2)}\n`);
  }
}

/** Null when there is none. */
function readIdentity(path: string): StoredIdentity | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unusable(path, error);
  }
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): JobctlError {
  return new JobctlError(
    "config_invalid",
    `cannot start: the agent's identity ${path} cannot be read`,
    {
      hint: "Restore it, or delete it and run jobctl agents forget-key NAME on the server, then the agent can enrol again.",
      cause,
    },
  );
}
