import { lookup } from "node:dns/promises";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants, existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";

import { makeKeyPair, type Installation } from "@jobctl/daemon";
import { JobctlError, toJobctlError } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { AgentClient } from "./agents/agent-client.js";
import { AgentIdentities } from "./agents/agent-identities.js";
import { CircuitBreaker } from "./agents/circuit-breaker.js";
import type { ServerConfig } from "./config.js";
import { createAgentKeyStore, type AgentKey, type AgentKeyStore } from "./store/agent-key-store.js";
import { requireBelonging } from "./store/data-folder.js";
import { lockServerData } from "./store/data-lock.js";
import { createInstallationStore } from "./store/installation-store.js";
import { SCHEMA_VERSION } from "./store/migrate.js";

const AGENT_TIMEOUT_MS = 5000;
/** The schema version that has an installation in it. */
const IDENTITY_VERSION = 5;

interface Finding {
  readonly ok: boolean;
  readonly check: string;
  readonly message: string;
}

/**
 * What a server would find if it were started now, without starting it, and without leaving anything
 * behind: configuration, data directory, database, address, agents. It may be run beside a server.
 */
export async function* preflight(config: ServerConfig): AsyncGenerator<Finding> {
  yield found("configuration", () => `services: ${[...config.services.keys()].join(", ")}`);
  yield found("data directory", () => checkWritable(config.dataPath));
  yield await foundAsync("free space", () => checkSpace(config));
  const isActive = found("active server", () => checkLock(config));
  yield isActive;
  const database = found("database", () => {
    requireBelonging(config);
    return checkDatabase(config.dbPath);
  });
  yield database;
  // An active server has the port, as it should.
  if (isActive.message === NOBODY) yield await foundAsync("address", () => checkAddress(config));
  // Without its database nobody knows who this server is.
  if (!database.ok) return;
  let stored: StoredIdentities | undefined;
  for (const url of config.agentUrls)
    yield await foundAsync(`agent ${url}`, async () => {
      stored ??= readDatabase(config.dbPath);
      return checkAgents(url, config, stored);
    });
}

function found(check: string, look: () => string): Finding {
  try {
    return { ok: true, check, message: look() };
  } catch (error) {
    return { ok: false, check, message: describe(error) };
  }
}

async function foundAsync(check: string, look: () => Promise<string>): Promise<Finding> {
  return look().then(
    (message) => ({ ok: true, check, message }),
    (error: unknown) => ({ ok: false, check, message: describe(error) }),
  );
}

function describe(error: unknown): string {
  const { message, hint } = toJobctlError(error);
  return [message || String((error as { code?: string }).code), hint].filter(Boolean).join(". ");
}

/** The directory itself, or the one in which it will be made. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

function checkWritable(path: string): string {
  const directory = existing(path);
  accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  return directory === path ? `${path} can be written` : `${path} can be made in ${directory}`;
}

async function checkSpace({ dataPath, minFreeBytes }: ServerConfig): Promise<string> {
  const { bavail, bsize } = await statfs(existing(dataPath));
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const free = bavail * bsize;
  if (free >= minFreeBytes) return `${gigabytes(free)} are free`;
  throw new JobctlError(
    "storage_full",
    `${gigabytes(free)} are free, less than JOBCTL_MIN_FREE_BYTES (${gigabytes(minFreeBytes)})`,
  );
}

const NOBODY = "none: this one would be";

function checkLock(config: ServerConfig): string {
  if (!existsSync(config.dataPath) || !existsSync(dirname(config.dbPath))) return NOBODY;
  try {
    lockServerData(config).release();
    return NOBODY;
  } catch (error) {
    if (toJobctlError(error).code === "data_dir_locked") return "another one is: this one waits";
    throw error;
  }
}

function checkDatabase(path: string): string {
  if (!existsSync(path)) return `${path} will be made`;
  const db = new Database(path, { fileMustExist: true, timeout: 1000 });
  try {
    db.transaction(() => {}).immediate();
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version > SCHEMA_VERSION)
      throw new JobctlError(
        "database_newer",
        `${path} has schema version ${version}, this jobctl knows up to ${SCHEMA_VERSION}`,
      );
    const migrated = version < SCHEMA_VERSION ? `, and will be brought to ${SCHEMA_VERSION}` : "";
    return `${path} can be written, schema version ${version}${migrated}`;
  } finally {
    db.close();
  }
}

async function checkAddress({ host, port }: ServerConfig): Promise<string> {
  const probe = createServer().listen(port, host);
  await once(probe, "listening");
  probe.close();
  await once(probe, "close");
  return `${host}:${port} is free`;
}

/** Both sides prove themselves as when a server connects; the agent stays as it is. */
async function checkAgents(
  url: string,
  config: ServerConfig,
  stored: StoredIdentities,
): Promise<string> {
  const identities = identitiesOf(config, stored);
  const urls = url.startsWith("dns+") ? await addressesOf(new URL(url.slice(4))) : [url];
  for (const one of urls) {
    const client = new AgentClient(
      one,
      {
        identities,
        checkName() {},
        timeoutMs: AGENT_TIMEOUT_MS,
        connectTimeoutMs: AGENT_TIMEOUT_MS,
      },
      new CircuitBreaker(config.breaker, () => {}),
    );
    await client
      .checkSession()
      .catch((error: unknown) => {
        throw stored.isNew ? ofNewInstallation(error) : error;
      })
      .finally(() => client.close());
  }
  return urls.length === 1 ? "answers" : `${urls.length} answer`;
}

/** The id of an installation that is not made yet would differ each time: it is left out. */
function ofNewInstallation(thrown: unknown): JobctlError {
  const error = toJobctlError(thrown);
  if (error.code !== "installation_mismatch") return error;
  const [known = ""] = error.message.split(", and this server is ", 1);
  return new JobctlError(
    error.code,
    `${known}; this server has no database yet, so it would be a new installation`,
    { hint: error.hint ?? undefined, cause: error },
  );
}

/** Who the server is and which agents it knows; nothing that is learnt is kept. */
function identitiesOf(
  { enrolmentSecret }: ServerConfig,
  { installation, keys, secrets }: StoredIdentities,
): AgentIdentities {
  const store = {
    list: () => keys,
    findOneTimeSecret: (url: string) => secrets.get(url) ?? null,
    bind: () => [],
    ...{ seen() {}, forget() {}, putOneTimeSecret() {}, deleteOneTimeSecret() {} },
  };
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  return new AgentIdentities(
    installation,
    { epoch: 0, holder: "check", since: 0 },
    store,
    enrolmentSecret,
    silent,
  );
}

interface StoredIdentities {
  /** Whether the installation has been made up, because the database has none yet. */
  readonly isNew: boolean;
  readonly installation: Installation;
  readonly keys: AgentKey[];
  readonly secrets: ReturnType<AgentKeyStore["listOneTimeSecrets"]>;
}

function readDatabase(path: string): StoredIdentities {
  const installation = { id: randomUUID(), keys: makeKeyPair() };
  const fresh = { isNew: true, installation, keys: [], secrets: new Map() };
  if (!existsSync(path)) return fresh;
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    if (Number(db.pragma("user_version", { simple: true })) < IDENTITY_VERSION) return fresh;
    const stored = createInstallationStore(db).find();
    if (stored === null) return fresh;
    const agentKeys = createAgentKeyStore(db, (work) => work());
    return {
      isNew: false,
      installation: { id: stored.uuid, keys: stored },
      keys: agentKeys.list(),
      secrets: agentKeys.listOneTimeSecrets(),
    };
  } finally {
    db.close();
  }
}

async function addressesOf({ hostname, port, protocol }: URL): Promise<string[]> {
  const addresses = await lookup(hostname, { all: true });
  return addresses.map(({ address, family }) =>
    family === 6 ? `${protocol}//[${address}]:${port}` : `${protocol}//${address}:${port}`,
  );
}
