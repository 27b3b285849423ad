import { z } from "zod";

import { instantSchema } from "./job.js";

/** How busy an agent is. */
export const agentLoadSchema = z.object({
  /** Share of all CPUs in use since the previous sample, 0 to 100; null before the second sample. */
  cpuPercent: z.number().min(0).max(100).nullable(),
  /** Load average over one minute. */
  load1: z.number().nonnegative(),
  memoryUsedBytes: z.number().int().nonnegative(),
  memoryTotalBytes: z.number().int().nonnegative(),
  slotsUsed: z.number().int().nonnegative(),
  slotsTotal: z.number().int().nonnegative(),
  draining: z.boolean(),
  /** Why it cannot run jobs, in its own words; null while it can. Missing in what earlier versions say. */
  problem: z.string().nullable().optional(),
  sampledAt: instantSchema,
});
export type AgentLoad = z.infer<typeof agentLoadSchema>;

/** What an agent says of itself. */
export const agentSelfSchema = z.object({
  name: z.string().min(1),
  version: z.string(),
  slots: z.number().int().positive(),
  cpus: z.number().int().positive(),
  memoryBytes: z.number().int().positive(),
  services: z.array(z.string()),
  sandbox: z.string(),
  /** What the sandbox does: `files`, `network`, `dies-with-agent`, `whole-job-limits`, `seccomp`. */
  capabilities: z.array(z.string()),
});
export type AgentSelf = z.infer<typeof agentSelfSchema>;

/**
 * - `connecting`: not reached yet since the server started
 * - `ready`: reachable and reconciled
 * - `draining`: reachable, takes no new work
 * - `unreachable`: its link is down; its jobs stay as they are
 * - `lost`: unreachable for longer than the dead threshold; its jobs have been queued again
 */
export const AGENT_STATES = ["connecting", "ready", "draining", "unreachable", "lost"] as const;

export const BREAKER_STATES = ["closed", "open", "half_open"] as const;

/**
 * How the server knows an agent: from its configuration, as an address of a name that is configured, or
 * because an operator has added it while the server ran.
 */
const AGENT_ORIGINS = ["configured", "resolved", "added"] as const;
export type AgentOrigin = (typeof AGENT_ORIGINS)[number];

export const agentSchema = z.object({
  /** Null until the agent has been reached once. */
  name: z.string().nullable(),
  url: z.string(),
  origin: z.enum(AGENT_ORIGINS),
  state: z.enum(AGENT_STATES),
  /** Why it cannot be reached, or says that it cannot run jobs; null while all is well. */
  problem: z.string().nullable(),
  /** The problem's error code, as in docs/errors.md. */
  problemCode: z.string().nullable(),
  /** What an operator can do about the problem. */
  problemHint: z.string().nullable(),
  connectedSince: instantSchema.nullable(),
  version: z.string().nullable(),
  services: z.array(z.string()),
  sandbox: z.string().nullable(),
  capabilities: z.array(z.string()),
  slots: z.number().int().nullable(),
  cpus: z.number().int().nullable(),
  memoryBytes: z.number().int().nullable(),
  /** Whether calls to it are let through; `open` after too many have failed. */
  breaker: z.enum(BREAKER_STATES),
  /** Set when an operator has told it to take no new work. */
  drain: z.object({ since: instantSchema, deadlineAt: instantSchema.nullable() }).nullable(),
  /** Attempts that occupy a slot, as the server counts them. */
  running: z.number().int().nonnegative(),
  /** Results that the server has not stored yet. */
  waitingResults: z.number().int().nonnegative(),
  /** The key that its name is bound to; null until it has been enrolled. */
  key: z
    .object({
      /** The beginning of the SHA-256 of its public key. */
      fingerprint: z.string(),
      enrolledAt: instantSchema,
    })
    .nullable(),
});
export type Agent = z.infer<typeof agentSchema>;

/** The last load that an agent reported, and how old it is. */
export const cachedLoadSchema = z.object({
  name: z.string().nullable(),
  url: z.string(),
  state: z.enum(AGENT_STATES),
  load: agentLoadSchema.nullable(),
  /** Seconds since the sample was received; null when there is none. */
  ageSeconds: z.number().nonnegative().nullable(),
  /** Whether the sample is older than two heartbeats. */
  stale: z.boolean(),
});
export type CachedLoad = z.infer<typeof cachedLoadSchema>;

/** One thing that a daemon depends on. */
const healthCheckSchema = z.object({
  ok: z.boolean(),
  /** Whether the daemon cannot take requests without it. */
  critical: z.boolean(),
  message: z.string().nullable(),
  /** Seconds since it was last seen to work; null where it is tried when somebody asks. */
  ageSeconds: z.number().nonnegative().nullable(),
});
export type HealthCheck = z.infer<typeof healthCheckSchema>;

/** Work that is done again and again in the background. */
const taskHealthSchema = z.object({
  ok: z.boolean(),
  everySeconds: z.number().positive(),
  /** When it last ended well; null before the first time. */
  lastSuccessAt: instantSchema.nullable(),
  ageSeconds: z.number().nonnegative().nullable(),
  /** Why it failed, when the last time it did. */
  problem: z.string().nullable(),
});
export type TaskHealth = z.infer<typeof taskHealthSchema>;

export const healthSchema = z.object({
  /** `degraded` takes requests, and somebody should look; `unavailable` does not. */
  status: z.enum(["ok", "degraded", "unavailable", "draining", "standby"]),
  /** For clients of the older orchestrator: `ok`, or what is wrong with the server's database. */
  database: z.string().optional(),
  name: z.string(),
  version: z.string(),
  uptimeSeconds: z.number().nonnegative(),
  checks: z.record(z.string(), healthCheckSchema),
  tasks: z.record(z.string(), taskHealthSchema),
});
export type Health = z.infer<typeof healthSchema>;

/** Whether a daemon in this state takes requests. */
export function isReady({ status }: Pick<Health, "status">): boolean {
  return status === "ok" || status === "degraded";
}

/** The circuit breaker of one agent. */
export const breakerSchema = z.object({
  agent: z.string().nullable(),
  url: z.string(),
  state: z.enum(BREAKER_STATES),
  /** Failed calls in a row. */
  failures: z.number().int().nonnegative(),
  /** Seconds until calls are tried again; 0 when they are. */
  retryAfterSeconds: z.number().nonnegative(),
});
export type Breaker = z.infer<typeof breakerSchema>;
