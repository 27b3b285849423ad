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
});

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
 * An agent's own key pair, made at its first start, and the installation that it has been enrolled
 * with. Both stay for as long as the data directory does.
 */
export class Identity {
  readonly path: string;
  readonly keys: KeyPair;
  #server: PinnedServer | null;

  private constructor(path: string, keys: KeyPair, server: PinnedServer | null) {
    this.path = path;
    this.keys = keys;
    this.#server = server;
  }

  /** @throws JobctlError `config_invalid` when the file is there and cannot be used */
  static async open(dataPath: string): Promise<Identity> {
    const path = identityPath(dataPath);
    const known = readIdentity(path);
    if (known !== null) {
      const { publicKey, privateKey, server } = known;
      return new Identity(path, { publicKey, privateKey }, server);
    }
    const identity = new Identity(path, makeKeyPair(), null);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await identity.store();
    return identity;
  }

  get server(): PinnedServer | null {
    return this.#server;
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
    const stored = readIdentity(this.path);
    if (stored === null || stored.publicKey === this.keys.publicKey) return stored !== null;
    throw new JobctlError("config_invalid", `${this.path} is the identity of another agent`);
  }

  /**
   * Writes its file, durably.
   *
   * @throws the file system's error
   */
  async store(): Promise<void> {
    const content = { schema: "jobctl.agent-identity/v1", ...this.keys, server: this.#server };
    await replaceFile(this.path, `${JSON.stringify(content, null, 2)}\n`);
  }
}

/** Null when there is none. */
function readIdentity(path: string): z.infer<typeof identitySchema> | null {
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
