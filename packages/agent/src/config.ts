import { readFileSync } from "node:fs";
import { availableParallelism, hostname, totalmem } from "node:os";
import { resolve } from "node:path";

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
import type { ArchiveLimits } from "@jobctl/archive";
import { JobctlError, agentNameSchema } from "@jobctl/protocol";
import { SITE_RULES_SETTING, parseSiteRules, type SiteRule } from "@jobctl/validator";
import { z } from "zod";

import { isEnrolled } from "./identity.js";
import type { JobLimits } from "./executors/limits.js";
import type { WorkspaceLimits } from "./workspace/disk-guard.js";

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

const settings = z.object({
  ...logSettings,
  JOBCTL_AGENT_NAME: z
    .string()
    .pipe(agentNameSchema)
    .prefault(() => hostname().slice(0, 63)),
  JOBCTL_AGENT_HOST: z.string().default("127.0.0.1"),
  JOBCTL_AGENT_PORT: wholeNumber(0).max(65_535).default(9000),
  JOBCTL_AGENT_DATA_PATH: z.string().default("./agent-data"),
  JOBCTL_AGENT_SANDBOX: z.enum(["bubblewrap", "process"]).default("bubblewrap"),
  JOBCTL_AGENT_SANDBOX_READ_ONLY: nameList().default([]),
  JOBCTL_AGENT_MAX_PROCESSES: wholeNumber(8).default(256),
  JOBCTL_AGENT_MAX_OPEN_FILES: wholeNumber(64).default(4096),
  JOBCTL_AGENT_MAX_FILE_BYTES: wholeNumber(1024).default(50 * GIBIBYTE),
  JOBCTL_AGENT_TMP_BYTES: wholeNumber(4096).default(GIBIBYTE),
  JOBCTL_AGENT_MAX_WORKSPACE_BYTES: wholeNumber(1).default(50 * GIBIBYTE),
  JOBCTL_AGENT_MAX_WORKSPACE_ENTRIES: wholeNumber(1).default(1_000_000),
  JOBCTL_AGENT_MAX_RESULT_BYTES: wholeNumber(1).default(10 * GIBIBYTE),
  JOBCTL_AGENT_SLOTS: wholeNumber(1).default(() => availableParallelism()),
  JOBCTL_AGENT_CPUS: wholeNumber(1).default(() => availableParallelism()),
  JOBCTL_AGENT_MEMORY_BYTES: wholeNumber(1).default(() => totalmem()),
  JOBCTL_AGENT_SERVICES: nameList().default(["default"]),
  JOBCTL_VALIDATOR_RULES: z.string().optional(),
  JOBCTL_AGENT_LOAD_SECONDS: seconds(1).default(5),
  JOBCTL_AGENT_KILL_GRACE_SECONDS: seconds(0).default(10),
  JOBCTL_AGENT_STORAGE_DEAD_SECONDS: seconds(1).default(900),
  JOBCTL_AGENT_MAX_LOG_BYTES: wholeNumber(1).default(100 * MEBIBYTE),
  JOBCTL_MAX_EXTRACTED_BYTES: wholeNumber(1).default(10 * GIBIBYTE),
  JOBCTL_MAX_ARCHIVE_ENTRIES: wholeNumber(1).default(100_000),
  JOBCTL_DRAIN_SECONDS: seconds(0).default(30),
  // A server has a connection for each follower, transfer and call.
  JOBCTL_MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(0).default(2048),
  ...metricsSettings,
});

/** The variables that an agent reads, beside its secret. */
export const SETTING_NAMES: readonly string[] = Object.keys(settings.shape);

export interface AgentConfig {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Proves to a server, and lets it prove, that they belong together; for the first contact only. */
  readonly enrolmentSecret: Secret | null;
  readonly dataPath: string;
  readonly sandbox: "bubblewrap" | "process";
  readonly sandboxReadOnlyPaths: readonly string[];
  readonly jobLimits: Omit<JobLimits, "memoryBytes" | "cpus">;
  readonly workspaceLimits: WorkspaceLimits;
  readonly maxResultBytes: number;
  readonly slots: number;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly services: readonly string[];
  /** Rules for scripts beside those that jobctl comes with. */
  readonly siteRules: readonly SiteRule[];
  readonly loadSeconds: number;
  readonly killGraceSeconds: number;
  /** An attempt whose directory cannot be reached for longer is given up. */
  readonly storageDeadSeconds: number;
  readonly maxLogBytes: number;
  readonly archiveLimits: ArchiveLimits;
  readonly drainSeconds: number;
  /** Most open connections of one address; 0 for any number. */
  readonly maxConnectionsPerAddress: number;
  readonly metrics: MetricsAccess;
  readonly log: LogSettings;
}

/** @throws JobctlError `config_invalid` */
export function readConfig(environment: Environment): AgentConfig {
  const [read, enrolmentSecret, sentryDsn, metricsToken, siteRules] = readTogether(
    () => readEnvironment(settings, environment),
    () => readEnrolmentSecret(environment),
    () => Secret.find("SENTRY_DSN", environment),
    () => Secret.find("JOBCTL_METRICS_TOKEN", environment),
    () => readSiteRules(environment),
  );
  return {
    name: read.JOBCTL_AGENT_NAME,
    host: read.JOBCTL_AGENT_HOST,
    port: read.JOBCTL_AGENT_PORT,
    enrolmentSecret,
    dataPath: requirePlainPath("cannot start: JOBCTL_AGENT_DATA_PATH", read.JOBCTL_AGENT_DATA_PATH),
    sandbox: read.JOBCTL_AGENT_SANDBOX,
    sandboxReadOnlyPaths: read.JOBCTL_AGENT_SANDBOX_READ_ONLY,
    jobLimits: {
      maxProcesses: read.JOBCTL_AGENT_MAX_PROCESSES,
      maxOpenFiles: read.JOBCTL_AGENT_MAX_OPEN_FILES,
      maxFileBytes: read.JOBCTL_AGENT_MAX_FILE_BYTES,
      tmpBytes: read.JOBCTL_AGENT_TMP_BYTES,
    },
    workspaceLimits: {
      maxBytes: read.JOBCTL_AGENT_MAX_WORKSPACE_BYTES,
      maxEntries: read.JOBCTL_AGENT_MAX_WORKSPACE_ENTRIES,
    },
    maxResultBytes: read.JOBCTL_AGENT_MAX_RESULT_BYTES,
    slots: read.JOBCTL_AGENT_SLOTS,
    cpus: read.JOBCTL_AGENT_CPUS,
    memoryBytes: read.JOBCTL_AGENT_MEMORY_BYTES,
    services: read.JOBCTL_AGENT_SERVICES,
    siteRules,
    loadSeconds: read.JOBCTL_AGENT_LOAD_SECONDS,
    killGraceSeconds: read.JOBCTL_AGENT_KILL_GRACE_SECONDS,
    storageDeadSeconds: read.JOBCTL_AGENT_STORAGE_DEAD_SECONDS,
    maxLogBytes: read.JOBCTL_AGENT_MAX_LOG_BYTES,
    archiveLimits: {
      maxEntries: read.JOBCTL_MAX_ARCHIVE_ENTRIES,
      maxExtractedBytes: read.JOBCTL_MAX_EXTRACTED_BYTES,
    },
    drainSeconds: read.JOBCTL_DRAIN_SECONDS,
    maxConnectionsPerAddress: read.JOBCTL_MAX_CONNECTIONS_PER_ADDRESS,
    metrics: { token: metricsToken, open: read.JOBCTL_METRICS_OPEN },
    log: readLogSettings(
      read,
      [enrolmentSecret, metricsToken].filter((secret) => secret !== null),
      sentryDsn,
    ),
  };
}

/** @throws JobctlError `config_invalid` with everything that is wrong with the list */
function readSiteRules(environment: Environment): readonly SiteRule[] {
  const path = environment[SITE_RULES_SETTING];
  if (path === undefined || path === "") return [];
  const refuse = (problems: readonly string[]): never => {
    throw new JobctlError(
      "config_invalid",
      `cannot start: ${SITE_RULES_SETTING}: ${path}: ${problems.join("; ")}`,
      { hint: "docs/validation.md shows a list of rules." },
    );
  };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return refuse([`it cannot be read: ${(error as Error).message}`]);
  }
  const parsed = parseSiteRules(text);
  return "problems" in parsed ? refuse(parsed.problems) : parsed.rules;
}

/**
 * An agent that has been enrolled needs no secret any more.
 *
 * @throws JobctlError `config_invalid` when it has not been, and there is none; when its identity cannot be used
 */
function readEnrolmentSecret(environment: Environment): Secret | null {
  const dataPath = resolve(
    settings.shape.JOBCTL_AGENT_DATA_PATH.parse(environment["JOBCTL_AGENT_DATA_PATH"] || undefined),
  );
  return isEnrolled(dataPath)
    ? Secret.find("JOBCTL_AGENT_TOKEN", environment)
    : Secret.read("JOBCTL_AGENT_TOKEN", environment);
}
