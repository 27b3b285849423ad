import { isIP } from "node:net";
import { join } from "node:path";

import type { ArchiveLimits } from "@jobctl/archive";
import {
  logSettings,
  metricsSettings,
  nameList,
  Secret,
  readEnvironment,
  readLogSettings,
  readTogether,
  requirePlainPath,
  seconds,
  wholeNumber,
  type Environment,
  type LogSettings,
  type MetricsAccess,
} from "@jobctl/daemon";
import {
  JobctlError,
  serviceNameSchema,
  validationPolicySchema,
  type ValidationPolicy,
} from "@jobctl/protocol";
import { z } from "zod";

import type { AccessSettings } from "./http/api-app.js";
import type { BreakerSettings } from "./agents/circuit-breaker.js";
import type { ScrubSettings } from "./maintenance/scrub.js";

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

const settings = z.object({
  ...logSettings,
  JOBCTL_HOST: z.string().default("127.0.0.1"),
  JOBCTL_PORT: wholeNumber(0).max(65_535).default(8470),
  JOBCTL_DATA_PATH: z.string().default("./data"),
  JOBCTL_DB_PATH: z.string().optional(),
  JOBCTL_AGENTS: nameList().default([]),
  JOBCTL_SERVICES: nameList().default(["default"]),
  JOBCTL_MAX_UPLOAD_BYTES: wholeNumber(1).default(400 * MEBIBYTE),
  JOBCTL_MAX_EXTRACTED_BYTES: wholeNumber(1).default(10 * GIBIBYTE),
  JOBCTL_MAX_ARCHIVE_ENTRIES: wholeNumber(1).default(100_000),
  JOBCTL_MAX_JOB_SECONDS: wholeNumber(1).default(86_400),
  JOBCTL_MAX_REQUEUES: wholeNumber(0).default(3),
  JOBCTL_MAX_REFUSED_SECONDS: seconds(1).default(86_400),
  JOBCTL_MIN_FREE_BYTES: wholeNumber(0).default(256 * MEBIBYTE),
  JOBCTL_AGENT_POLL_SECONDS: seconds(1).default(30),
  JOBCTL_AGENT_DEAD_SECONDS: seconds(1).default(180),
  JOBCTL_AGENT_TIMEOUT_SECONDS: seconds(1).default(30),
  JOBCTL_CAPACITY_THRESHOLD: z.coerce
    .number({ error: "must be a number" })
    .gt(0, "must be more than 0")
    .max(1, "must be at most 1")
    .default(1),
  JOBCTL_DRAIN_SECONDS: seconds(0).default(30),
  JOBCTL_STANDBY: z.stringbool().default(true),
  JOBCTL_BREAKER_FAILURES: wholeNumber(1).default(5),
  JOBCTL_BREAKER_OPEN_SECONDS: seconds(1).default(60),
  JOBCTL_BREAKER_SUCCESSES: wholeNumber(1).default(3),
  JOBCTL_RECONCILE_SECONDS: seconds(1).default(300),
  JOBCTL_CORS_ORIGINS: nameList().default([]),
  JOBCTL_TRUST_PROXY: nameList().default([]),
  JOBCTL_RATE_LIMIT: wholeNumber(0).default(200),
  JOBCTL_MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(0).default(256),
  JOBCTL_GC_SECONDS: seconds(1).default(3600),
  JOBCTL_SCRUB_SECONDS: seconds(0).default(7 * 86_400),
  JOBCTL_SCRUB_BYTES_PER_SECOND: wholeNumber(1).default(20_000_000),
  ...metricsSettings,
});

/** The variables that a server reads, beside secrets and those of services. */
export const SETTING_NAMES: readonly string[] = Object.keys(settings.shape);

/** Names that the older orchestrator's installations use, each with ours. */
const FALL_BACKS = {
  JOBCTL_PORT: "PORT",
  JOBCTL_DATA_PATH: "DATA_PATH",
  JOBCTL_DB_PATH: "DB_PATH",
} as const;

/** How many jobs of a service may run at once (null is no limit), and what they may do. */
export interface ServicePolicy {
  readonly maxRuns: number | null;
  readonly runsPerUser: number | null;
  /** Whether its jobs have the network. */
  readonly network: boolean;
  readonly validation: ValidationPolicy;
}

export const DEFAULT_POLICY: ServicePolicy = {
  maxRuns: null,
  runsPerUser: null,
  network: false,
  validation: { profile: "standard", overrides: {}, allowHosts: [], allowCommands: [] },
};

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly dataPath: string;
  readonly dbPath: string;
  readonly access: AccessSettings;
  /** Shared with agents; proves at the first contact that they belong here. Never sent. */
  readonly enrolmentSecret: Secret | null;
  readonly agentUrls: readonly string[];
  readonly services: ReadonlyMap<string, ServicePolicy>;
  readonly maxUploadBytes: number;
  readonly archiveLimits: ArchiveLimits;
  readonly maxJobSeconds: number;
  readonly maxRequeues: number;
  /** For how long a job is tried again that no agent starts. */
  readonly maxRefusedSeconds: number;
  readonly minFreeBytes: number;
  /** Longest silence on an agent's watch stream. */
  readonly agentPollSeconds: number;
  readonly agentDeadSeconds: number;
  readonly agentTimeoutSeconds: number;
  /** An agent gets no new work while more than this share of its CPUs or its memory is in use. */
  readonly capacityThreshold: number;
  readonly drainSeconds: number;
  /** Whether to wait for the data directory when another server has it. */
  readonly standby: boolean;
  readonly breaker: BreakerSettings;
  readonly reconcileSeconds: number;
  readonly gcSeconds: number;
  /** How stored files are read through in the background; null for not at all. */
  readonly scrub: ScrubSettings | null;
  readonly metrics: MetricsAccess;
  readonly log: LogSettings;
}

/** @throws JobctlError `config_invalid` */
export function readConfig(given: Environment): ServerConfig {
  const environment = withFallBacks(given);
  const [read, adminToken, enrolmentSecret, sentryDsn, metricsToken] = readTogether(
    () => readEnvironment(settings, environment),
    () => Secret.read("JOBCTL_ADMIN_TOKEN", environment),
    () => Secret.find("JOBCTL_AGENT_TOKEN", environment),
    () => Secret.find("SENTRY_DSN", environment),
    () => Secret.find("JOBCTL_METRICS_TOKEN", environment),
  );
  const [agentUrls, corsOrigins, trustedProxies, services] = readTogether(
    () => read.JOBCTL_AGENTS.map(checkAgentUrl),
    () => read.JOBCTL_CORS_ORIGINS.map(checkOrigin),
    () => read.JOBCTL_TRUST_PROXY.map(checkProxy),
    () => readServices(read.JOBCTL_SERVICES, environment),
    () => checkTimes(read),
  );
  const [dataPath, ownDbPath] = readTogether(
    () => requirePlainPath("cannot start: JOBCTL_DATA_PATH", read.JOBCTL_DATA_PATH),
    () =>
      read.JOBCTL_DB_PATH === undefined
        ? null
        : requirePlainPath("cannot start: JOBCTL_DB_PATH", read.JOBCTL_DB_PATH),
  );
  return {
    host: read.JOBCTL_HOST,
    port: read.JOBCTL_PORT,
    dataPath,
    dbPath: ownDbPath ?? join(dataPath, "jobctl.db"),
    access: {
      adminToken,
      corsOrigins,
      trustedProxies,
      rateLimit: read.JOBCTL_RATE_LIMIT,
      maxConnectionsPerAddress: read.JOBCTL_MAX_CONNECTIONS_PER_ADDRESS,
    },
    enrolmentSecret,
    agentUrls,
    services,
    maxUploadBytes: read.JOBCTL_MAX_UPLOAD_BYTES,
    archiveLimits: {
      maxEntries: read.JOBCTL_MAX_ARCHIVE_ENTRIES,
      maxExtractedBytes: read.JOBCTL_MAX_EXTRACTED_BYTES,
    },
    maxJobSeconds: read.JOBCTL_MAX_JOB_SECONDS,
    maxRequeues: read.JOBCTL_MAX_REQUEUES,
    maxRefusedSeconds: read.JOBCTL_MAX_REFUSED_SECONDS,
    minFreeBytes: read.JOBCTL_MIN_FREE_BYTES,
    agentPollSeconds: read.JOBCTL_AGENT_POLL_SECONDS,
    agentDeadSeconds: read.JOBCTL_AGENT_DEAD_SECONDS,
    agentTimeoutSeconds: read.JOBCTL_AGENT_TIMEOUT_SECONDS,
    capacityThreshold: read.JOBCTL_CAPACITY_THRESHOLD,
    drainSeconds: read.JOBCTL_DRAIN_SECONDS,
    standby: read.JOBCTL_STANDBY,
    breaker: {
      failures: read.JOBCTL_BREAKER_FAILURES,
      openMs: read.JOBCTL_BREAKER_OPEN_SECONDS * 1000,
      successes: read.JOBCTL_BREAKER_SUCCESSES,
    },
    reconcileSeconds: read.JOBCTL_RECONCILE_SECONDS,
    gcSeconds: read.JOBCTL_GC_SECONDS,
    scrub:
      read.JOBCTL_SCRUB_SECONDS === 0
        ? null
        : {
            everyMs: read.JOBCTL_SCRUB_SECONDS * 1000,
            bytesPerSecond: read.JOBCTL_SCRUB_BYTES_PER_SECOND,
          },
    metrics: { token: metricsToken, open: read.JOBCTL_METRICS_OPEN },
    log: readLogSettings(
      read,
      [adminToken, enrolmentSecret, metricsToken].filter((secret) => secret !== null),
      sentryDsn,
    ),
  };
}

/** @throws JobctlError `config_invalid` when one time makes another meaningless */
function checkTimes(read: z.infer<typeof settings>): void {
  if (read.JOBCTL_AGENT_DEAD_SECONDS < 2 * read.JOBCTL_AGENT_POLL_SECONDS) {
    throw new JobctlError(
      "config_invalid",
      `cannot start: JOBCTL_AGENT_DEAD_SECONDS (${read.JOBCTL_AGENT_DEAD_SECONDS}) is less than twice JOBCTL_AGENT_POLL_SECONDS (${read.JOBCTL_AGENT_POLL_SECONDS})`,
      { hint: "An agent must be silent for two polls at least before it counts as lost." },
    );
  }
  if (read.JOBCTL_RECONCILE_SECONDS < read.JOBCTL_AGENT_DEAD_SECONDS) {
    throw new JobctlError(
      "config_invalid",
      `cannot start: JOBCTL_RECONCILE_SECONDS (${read.JOBCTL_RECONCILE_SECONDS}) is less than JOBCTL_AGENT_DEAD_SECONDS (${read.JOBCTL_AGENT_DEAD_SECONDS})`,
      { hint: "Comparing more often than agents can be lost finds nothing that is new." },
    );
  }
}

function withFallBacks(environment: Environment): Environment {
  const filled = Object.entries(FALL_BACKS).map(([name, fallBack]) => [
    name,
    environment[name] ?? environment[fallBack],
  ]);
  return { ...environment, ...Object.fromEntries(filled) };
}

function checkAgentUrl(text: string): string {
  const [prefix, address] = text.startsWith("dns+") ? ["dns+", text.slice(4)] : ["", text];
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === "http:" || url?.protocol === "https:") return prefix + url.origin;
  throw new JobctlError(
    "config_invalid",
    `cannot start: JOBCTL_AGENTS: ${JSON.stringify(text)} is not an http URL`,
    {
      hint: "Write it like http://agent:9000, or dns+http://agent:9000 for every address of a name; several separated by commas.",
    },
  );
}

function checkOrigin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new JobctlError(
    "config_invalid",
    `cannot start: JOBCTL_CORS_ORIGINS: ${JSON.stringify(text)} is not an origin`,
    { hint: "Write it like https://portal.example.org, without a path." },
  );
}

/** Ranges that have names. */
const PROXY_RANGES: ReadonlySet<string> = new Set(["loopback", "linklocal", "uniquelocal"]);

function checkProxy(text: string): string {
  const [address = "", bits = "0"] = text.split("/");
  const longest = isIP(address) === 4 ? 32 : 128;
  const isRange = isIP(address) !== 0 && /^\d+$/.test(bits) && Number(bits) <= longest;
  if (isRange || PROXY_RANGES.has(text)) return text;
  throw new JobctlError(
    "config_invalid",
    `cannot start: JOBCTL_TRUST_PROXY: ${JSON.stringify(text)} is no address`,
    { hint: "Write addresses or ranges like 10.0.0.0/8, or loopback, linklocal, uniquelocal." },
  );
}

const POLICY_VARIABLE =
  /^SERVICE_([A-Z0-9_]+)_(RUNS_PER_USER|MAX_RUNS|NETWORK|PROFILE|RULES|ALLOW_HOSTS|ALLOW_COMMANDS)$/;
/** For a service that has one of the two set; one that has none is not limited. */
const LIMIT_DEFAULTS = { RUNS_PER_USER: 5, MAX_RUNS: 10 } as const;

function readServices(
  names: readonly string[],
  environment: Environment,
): Map<string, ServicePolicy> {
  const services = new Map<string, ServicePolicy>();
  for (const name of names) {
    const checked = serviceNameSchema.safeParse(name);
    if (!checked.success) {
      throw new JobctlError(
        "config_invalid",
        `cannot start: JOBCTL_SERVICES: ${JSON.stringify(name)}: ${checked.error.issues[0]?.message}`,
      );
    }
    services.set(name, DEFAULT_POLICY);
  }
  const configured = Object.keys(environment).flatMap(
    (name) => POLICY_VARIABLE.exec(name)?.[1] ?? [],
  );
  for (const name of new Set(configured))
    services.set(name.toLowerCase(), readPolicy(name, environment));
  return services;
}

function readPolicy(name: string, environment: Environment): ServicePolicy {
  const variable = (suffix: string): string => `SERVICE_${name}_${suffix}`;
  const [maxRuns, runsPerUser] = [variable("MAX_RUNS"), variable("RUNS_PER_USER")];
  const isLimited = [maxRuns, runsPerUser].some((limit) => environment[limit] !== undefined);
  const [network, profile, rules] = [variable("NETWORK"), variable("PROFILE"), variable("RULES")];
  const [hosts, commands] = [variable("ALLOW_HOSTS"), variable("ALLOW_COMMANDS")];
  const validation = validationPolicySchema.shape;
  const read = readEnvironment(
    z.object({
      [network]: z.stringbool().default(false),
      [profile]: validation.profile.default("standard"),
      [rules]: ruleList.pipe(validation.overrides).default({}),
      [hosts]: wordList.default([]),
      [commands]: wordList.default([]),
    }),
    environment,
  ) as Record<string, unknown>;
  return {
    maxRuns: isLimited ? readLimit(maxRuns, LIMIT_DEFAULTS.MAX_RUNS, environment) : null,
    runsPerUser: isLimited
      ? readLimit(runsPerUser, LIMIT_DEFAULTS.RUNS_PER_USER, environment)
      : null,
    network: read[network] as boolean,
    validation: {
      profile: read[profile] as ValidationPolicy["profile"],
      overrides: read[rules] as ValidationPolicy["overrides"],
      allowHosts: read[hosts] as string[],
      allowCommands: read[commands] as string[],
    },
  };
}

/** `one,two` as a list. */
const wordList = z.string().transform((text) =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== ""),
);

/** `RULE=severity,RULE=severity` as a record. */
const ruleList = z.string().transform((text) => {
  const entries = text.split(",").filter((entry) => entry.trim() !== "");
  return Object.fromEntries(entries.map((entry) => entry.trim().split("=", 2)));
});

function readLimit(variable: string, byDefault: number, environment: Environment): number {
  const shape = z.object({ [variable]: wholeNumber(1).default(byDefault) });
  return readEnvironment(shape, environment)[variable] ?? byDefault;
}
