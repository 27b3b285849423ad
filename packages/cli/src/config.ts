import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";

import { JobctlError } from "@jobctl/protocol/error";

import { findProjectFile } from "./project-file.js";
import { readSmallFile } from "./read-small-file.js";

const DEFAULT_SERVER = "http://127.0.0.1:8470";

/** What can be configured, and where: a project's file may not hold secrets. */
export const CONFIG_KEYS = {
  server: { secret: false, project: true, variable: "JOBCTL_SERVER" },
  token: { secret: true, project: false, variable: "JOBCTL_TOKEN" },
  tokenFile: { secret: false, project: false, variable: "JOBCTL_TOKEN_FILE" },
  headers: { secret: true, project: false, variable: "JOBCTL_HEADERS" },
  user: { secret: false, project: true, variable: "JOBCTL_USER" },
  service: { secret: false, project: true, variable: "JOBCTL_SERVICE" },
  output: { secret: false, project: true, variable: "JOBCTL_OUTPUT" },
} as const;
export type ConfigKey = keyof typeof CONFIG_KEYS;

interface Setting {
  readonly value: string | null;
  /** Where it comes from: `flag`, a variable's name, a file, or `default`. */
  readonly origin: string;
}

type Settings = Readonly<Record<ConfigKey, Setting>>;

export interface CliConfig {
  readonly settings: Settings;
  readonly server: string;
  /** Null when there is none for this server. */
  readonly token: string | null;
  /** Sent with every request, for a proxy in front of the server; none where no token may be sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Why there is no token although one is stored; null otherwise. */
  readonly tokenWithheld: string | null;
  readonly user: string;
}

export interface ConfigSources {
  readonly serverFlag: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Partial<Record<ConfigKey, string>>>;
}

/** A server that `jobctl up` runs on this machine, with its token. */
interface LocalServer {
  readonly path: string;
  readonly url: string;
  readonly token: string;
}

export function userConfigPath(environment: ConfigSources["environment"]): string {
  const base = environment["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return environment["JOBCTL_CONFIG"] || join(base, "jobctl", "config.json");
}

/** Where the last `jobctl up` of this user says which server it runs. */
export function lastUpPath(environment: ConfigSources["environment"]): string {
  const base = environment["XDG_STATE_HOME"] || join(homedir(), ".local", "state");
  return join(base, "jobctl", "up.json");
}

/**
 * Everything that is configured, each with where it comes from: flag, environment, project file,
 * a server that runs in this directory, user file, the last `jobctl up`, default.
 *
 * @throws JobctlError `config_invalid` naming the file and the key
 */
export async function loadConfig(sources: ConfigSources): Promise<CliConfig> {
  const { environment, directory } = sources;
  const project = await readProjectSettings(directory, environment);
  const user = readUserFile(userConfigPath(environment));
  const local = findLocalServer(directory);
  const lastUp = readLocalServer(lastUpPath(environment));
  const setting = (key: ConfigKey): Setting => {
    const variable = CONFIG_KEYS[key].variable;
    const fromEnvironment = environment[variable];
    if (key === "server" && sources.serverFlag !== undefined)
      return { value: sources.serverFlag, origin: "flag" };
    if (fromEnvironment !== undefined && fromEnvironment !== "")
      return { value: fromEnvironment, origin: variable };
    if (project?.values[key] !== undefined)
      return { value: project.values[key], origin: project.path };
    if (key === "server" && local !== null) return { value: local.url, origin: local.path };
    if (user?.values[key] !== undefined) return { value: user.values[key], origin: user.path };
    if (key === "server" && lastUp !== null) return { value: lastUp.url, origin: lastUp.path };
    if (key === "server") return { value: DEFAULT_SERVER, origin: "default" };
    if (key === "output") return { value: "text", origin: "default" };
    if (key === "user") return { value: userInfo().username, origin: "default" };
    return { value: null, origin: "default" };
  };
  const keys = Object.keys(CONFIG_KEYS) as ConfigKey[];
  const settings = Object.fromEntries(keys.map((key) => [key, setting(key)])) as Settings;
  const server = checkServer(settings.server);
  const fromProject = settings.server.origin === project?.path;
  const known = [user?.values.server, lastUp?.url].filter((url) => url !== undefined);
  const trusted = !fromProject || known.some((url) => sameOrigin(url, server));
  // A directory that came from elsewhere may hold the file of a local server, and a project's file
  // that names the same address. Such a server gets the token of that file, and nothing else.
  const named = [local, lastUp].find((up) => up !== null && up.path === settings.server.origin);
  const isLocal = !trusted && local !== null && sameOrigin(local.url, server);
  const source = named ?? (isLocal ? local : null);
  const token = findToken(server, environment, user, [local, lastUp]);
  const mayHaveToken = trusted && source === null;
  return {
    settings,
    server,
    token: source?.token ?? (mayHaveToken ? token : null),
    headers: mayHaveToken ? readHeaders(settings.headers) : {},
    tokenWithheld:
      token !== null && source === null && !mayHaveToken
        ? `${project?.path ?? "a project file"} names ${server}, which you have not configured yourself`
        : null,
    user: settings.user.value ?? "unknown",
  };
}

/** Writes one value into the user's file. */
export function setUserValue(
  key: string,
  value: string,
  environment: ConfigSources["environment"],
): string {
  if (!isConfigKey(key)) {
    throw new JobctlError("usage", `there is no setting ${JSON.stringify(key)}`, {
      hint: `There are: ${Object.keys(CONFIG_KEYS).join(", ")}.`,
    });
  }
  const path = userConfigPath(environment);
  const values = { ...readUserFile(path)?.values, [key]: value };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writePrivateFile(path, `${JSON.stringify(values, null, 2)}\n`);
  return path;
}

/** Replaces a file that only its owner may read. */
export function writePrivateFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

function isConfigKey(key: string): key is ConfigKey {
  return Object.hasOwn(CONFIG_KEYS, key);
}

const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*([\t\x20-\x7e]*)$/;

async function readProjectSettings(
  directory: string,
  environment: ConfigSources["environment"],
): Promise<ConfigFile | null> {
  const found = await findProjectFile(directory);
  if (found === null || found.path === userConfigPath(environment)) return null;
  const file = checkFile(found.path, found.content);
  const forbidden = (Object.keys(file.values) as ConfigKey[]).find(
    (key) => !CONFIG_KEYS[key].project,
  );
  if (forbidden === undefined) return file;
  throw new JobctlError(
    "config_invalid",
    `${file.path}: ${forbidden} may not be set in a project's file`,
    {
      hint: `Remove it there, and use jobctl config set ${forbidden} or ${CONFIG_KEYS[forbidden].variable}.`,
    },
  );
}

function readUserFile(path: string): ConfigFile | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new JobctlError("config_invalid", `${path} cannot be read`, { cause: error });
  }
  try {
    return checkFile(path, JSON.parse(text));
  } catch (error) {
    if (error instanceof JobctlError) throw error;
    throw new JobctlError(
      "config_invalid",
      `${path} is not valid JSON: ${(error as Error).message}`,
      {
        hint: "Correct it, or remove it and use jobctl config set.",
      },
    );
  }
}

function checkFile(path: string, content: unknown): ConfigFile {
  if (typeof content !== "object" || content === null) {
    throw new JobctlError("config_invalid", `${path} does not hold settings`);
  }
  for (const [key, value] of Object.entries(content)) {
    if (!isConfigKey(key)) {
      throw new JobctlError(
        "config_invalid",
        `${path}: there is no setting ${JSON.stringify(key)}`,
        {
          hint: `There are: ${Object.keys(CONFIG_KEYS).join(", ")}.`,
        },
      );
    }
    if (typeof value !== "string") {
      throw new JobctlError("config_invalid", `${path}: ${key} must be a text`);
    }
  }
  return { path, values: content };
}

function checkServer(setting: Setting): string {
  const url = URL.canParse(setting.value ?? "") ? new URL(setting.value ?? "") : null;
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    // A regular expression for this takes quadratic time, and the address may come from a project.
    let end = url.pathname.length;
    while (url.pathname[end - 1] === "/") end -= 1;
    return url.origin + url.pathname.slice(0, end);
  }
  throw new JobctlError(
    "config_invalid",
    `the server ${JSON.stringify(setting.value)} (from ${setting.origin}) is not a URL`,
    {
      hint: "Write it like http://jobs.example.org:8470.",
    },
  );
}

/** `Name: value`, one a line. */
function readHeaders({ value, origin }: Setting): Record<string, string> {
  const lines = (value ?? "").split("\n").filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, content] = HEADER_LINE.exec(line.trim()) ?? [];
      if (name !== undefined && content !== undefined) return [name.toLowerCase(), content];
      throw new JobctlError("config_invalid", `headers (from ${origin}): one line is no header`, {
        hint: "Write one a line, like X-Api-Key: 1234.",
      });
    }),
  );
}

/** A token goes to the server that it was stored for, and to no other. */
function findToken(
  server: string,
  environment: ConfigSources["environment"],
  user: ConfigFile | null,
  localServers: readonly (LocalServer | null)[],
): string | null {
  const given = environment["JOBCTL_TOKEN"];
  if (given !== undefined && given !== "") return given;
  const file = environment["JOBCTL_TOKEN_FILE"];
  if (file !== undefined && file !== "") return readTokenFile(file, "JOBCTL_TOKEN_FILE");
  if (user !== null && sameOrigin(user.values.server ?? DEFAULT_SERVER, server)) {
    if (user.values.token !== undefined) return user.values.token;
    if (user.values.tokenFile !== undefined) return readTokenFile(user.values.tokenFile, user.path);
  }
  return (
    localServers.find((local) => local !== null && sameOrigin(local.url, server))?.token ?? null
  );
}

function readTokenFile(file: string, origin: string): string {
  try {
    // A server's file may hold several: the first is the one to send.
    return readFileSync(resolve(file), "utf8").trim().split(/\s/, 1)[0] ?? "";
  } catch (error) {
    throw new JobctlError(
      "config_invalid",
      `the token file ${file} (from ${origin}) cannot be read`,
      {
        hint: "Check the path and its permissions.",
        cause: error,
      },
    );
  }
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}

function findLocalServer(directory: string): LocalServer | null {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const found = readLocalServer(join(at, ".jobctl", "up.json"));
    if (found !== null) return found;
    if (at === dirname(at)) return null;
  }
}

/** Longest file of `jobctl up`; it has an address and a token. */
const MAX_UP_FILE_BYTES = 64 * 1024;

/**
 * What `jobctl up` has written about a running server. It counts only when this user alone can
 * read and write it and when it names this machine, so that a directory that came from elsewhere
 * cannot lead a command to another server.
 */
function readLocalServer(path: string): LocalServer | null {
  try {
    const read = readSmallFile(path, MAX_UP_FILE_BYTES);
    if (read.kind !== "text" || read.uid !== process.getuid?.() || (read.mode & 0o077) !== 0) {
      return null;
    }
    const { url, token } = JSON.parse(read.text) as Record<string, unknown>;
    if (typeof url !== "string" || typeof token !== "string") return null;
    return isLoopback(url) ? { path, url, token } : null;
  } catch {
    return null;
  }
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ["127.0.0.1", "[::1]", "localhost"].includes(new URL(url).hostname);
}
