import { setTimeout as delay } from "node:timers/promises";

import {
  Metrics,
  RequestsUnderWay,
  healthOf,
  tellParent,
  type Logger,
  type ShutdownStep,
} from "@jobctl/daemon";
import { JobctlError, type Leader } from "@jobctl/protocol";
import type { ZodTypeProvider } from "fastify-type-provider-zod";

import type { ServerConfig } from "./config.js";
import { createApiApp, guard, type ApiApp } from "./http/api-app.js";
import { leaderRoute } from "./http/leader-route.js";
import { healthRoutes } from "./http/system-routes.js";
import { lockServerData, type DataLock } from "./store/data-lock.js";
import { readLease } from "./store/lease-store.js";

/** How often a standby tries to become the active server. */
const TRY_EVERY_MS = 250;

export interface Activation {
  readonly lock: DataLock;
  /** The port that the standby has been reached at; null when it had none. */
  readonly port: number | null;
}

/**
 * Waits until the data directory and its database are free. Meanwhile it is live and not ready, says who is active, and
 * writes nothing: it only tries the lock, which the kernel takes from a process that dies.
 *
 * @param onStandby called with how to go down, once it is clear that there is something to wait for
 * @throws JobctlError `data_dir_locked` when the configuration does not want a standby
 */
export async function becomeActive(
  config: ServerConfig,
  logger: Logger,
  onStandby: (shutdown: ShutdownStep[]) => void,
): Promise<Activation> {
  const first = tryLock(config);
  if (!(first instanceof JobctlError)) return { lock: first, port: null };
  if (!config.standby) throw first;
  const stopping = new AbortController();
  const http = standbyApp(config, logger, stopping.signal);
  onStandby([{ name: "standby", timeoutMs: 5000, run: () => (stopping.abort(), http.close()) }]);
  const url = await listen(http, config, logger);
  logger.warn(
    { event: "standby", url, holder: readLease(config.dbPath)?.holder ?? null },
    `${first.message}; this server waits for it to end`,
  );
  if (url !== null) tellParent({ event: "ready", url });
  for (;;) {
    await delay(TRY_EVERY_MS, undefined, { signal: stopping.signal });
    const lock = tryLock(config);
    if (lock instanceof JobctlError) continue;
    await http.close();
    logger.info({ event: "standby_takes_over" });
    return { lock, port: url === null ? null : Number(new URL(url).port) };
  }
}

/** @returns `data_dir_locked`, which says what is in use, while somebody else has it */
function tryLock(config: ServerConfig): DataLock | JobctlError {
  try {
    return lockServerData(config);
  } catch (error) {
    if (error instanceof JobctlError && error.code === "data_dir_locked") return error;
    throw error;
  }
}

function standbyApp(config: ServerConfig, logger: Logger, stopping: AbortSignal): ApiApp {
  const startedMs = performance.now();
  const app = createApiApp(logger, config.access);
  new Metrics().serve(app, new RequestsUnderWay(app), config.metrics);
  void app.register(async (scope) => {
    healthRoutes(scope.withTypeProvider<ZodTypeProvider>(), {
      isAlive: async () => true,
      health: async () => {
        const message = readLease(config.dbPath)?.holder ?? null;
        const leader = { ok: true, critical: false, message, ageSeconds: null };
        const facts = { name: "jobctl-server", startedMs, state: "standby" as const };
        return healthOf({ ...facts, checks: { leader }, tasks: {} });
      },
    });
  });
  void app.register(async (scope) => {
    const api = scope.withTypeProvider<ZodTypeProvider>();
    await guard(api, config.access, stopping);
    leaderRoute(api, () => leaderOf(config));
    api.all("/*", { schema: { hide: true } }, () => {
      throw new JobctlError("standby", "this server stands by: another one is active", {
        hint: "Try again in a moment, or use the active server.",
        retryAfterSeconds: 1,
      });
    });
  });
  return app;
}

function leaderOf(config: ServerConfig): Leader {
  const lease = readLease(config.dbPath);
  return {
    schema: "jobctl.leader/v1",
    role: "standby",
    holder: lease?.holder ?? null,
    epoch: lease?.epoch ?? null,
    since: lease === null ? null : new Date(lease.since).toISOString(),
  };
}

/** Null where the active server has the port: then this one is heard of when it takes over. */
async function listen(app: ApiApp, config: ServerConfig, logger: Logger): Promise<string | null> {
  try {
    return await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    logger.info({ event: "standby_without_port", port: config.port });
    return null;
  }
}
