import { setMaxListeners } from "node:events";
import { hostname } from "node:os";

import {
  RequestsUnderWay,
  machineMoment,
  type Logger,
  type ShutdownStep,
  signalWithin,
  warnOfShortSecret,
  wallClock,
  wallInstant,
} from "@jobctl/daemon";
import { VERSION, type AgentOrigin, type GcReport, type ServerInfo } from "@jobctl/protocol";

import type { ZodTypeProvider } from "fastify-type-provider-zod";

import { ActiveLease } from "./active-lease.js";
import { AgentClient } from "./agents/agent-client.js";
import { AgentIdentities, openInstallation } from "./agents/agent-identities.js";
import { AgentLink } from "./agents/agent-link.js";
import { AgentRegistry } from "./agents/agent-registry.js";
import { Discovery } from "./agents/discovery.js";
import { CircuitBreaker } from "./agents/circuit-breaker.js";
import { createAdministration } from "./administration.js";
import { BlobStore } from "./blobs/blob-store.js";
import { DEFAULT_POLICY, type ServerConfig, type ServicePolicy } from "./config.js";
import { createHealth } from "./health.js";
import { backupRoutes } from "./http/backup-routes.js";
import { adminRoutes } from "./http/admin-routes.js";
import { agentRoutes } from "./http/agent-routes.js";
import { createApiApp, guard, limitOfConnections, type ApiApp } from "./http/api-app.js";
import { damageRoutes } from "./http/damage-routes.js";
import { jobRoutes } from "./http/job-routes.js";
import { leaderRoute } from "./http/leader-route.js";
import { logRoute } from "./http/log-route.js";
import { resultRoutes } from "./http/result-routes.js";
import { submitRoute } from "./http/submit-route.js";
import { usageRoute } from "./http/usage-route.js";
import { HEALTH_ROUTES, healthRoutes, infoRoute } from "./http/system-routes.js";
import { AttemptService } from "./jobs/attempt-service.js";
import { Drains } from "./jobs/drains.js";
import { JobEvents } from "./jobs/job-events.js";
import { JobService } from "./jobs/job-service.js";
import { measureUsage } from "./jobs/usage.js";
import { Backups } from "./maintenance/backups.js";
import { BlobWatch } from "./maintenance/blob-watch.js";
import { DamageRecheck } from "./maintenance/damage-recheck.js";
import { Vacuum } from "./maintenance/vacuum.js";
import { collectGarbage } from "./maintenance/gc.js";
import { Scrub } from "./maintenance/scrub.js";
import { SpaceReserve } from "./maintenance/space-reserve.js";
import { Tasks } from "./maintenance/tasks.js";
import { AttemptSender } from "./scheduler/attempt-sender.js";
import { AttemptTracker } from "./scheduler/attempt-tracker.js";
import { Dispatcher } from "./scheduler/dispatcher.js";
import { isNotStored } from "./scheduler/until-stored.js";
import { JobTable } from "./scheduler/job-table.js";
import {
  refuseForeignDatabase,
  refuseNewDatabase,
  requireBelonging,
  writeInstallationNote,
} from "./store/data-folder.js";
import { JobIds } from "./store/job-ids.js";
import { lockServerData, type DataLock } from "./store/data-lock.js";
import { openStore } from "./store/store.js";
import { createTelemetry } from "./telemetry.js";

/** Some milliseconds of work, after which SQLite knows by how much its tables have grown. */
const OPTIMIZE_EVERY_MS = 5 * 60 * 1000;

/** Within half a minute it has to be noticed that a damaged file has been put back. */
const RECHECK_DAMAGE_EVERY_MS = 10_000;

const KEEP_RESERVE_EVERY_MS = 5 * 60 * 1000;

/** Within a minute it has to be noticed that the database's files are gone. */
const CHECK_DATABASE_FILE_EVERY_MS = 15_000;

/** For answers that are on their way when nothing else is left. */
const LAST_ANSWERS_MS = 1000;

export interface ServerApp {
  readonly http: ApiApp;
  start(): Promise<{ url: string }>;
  readonly shutdown: readonly ShutdownStep[];
}

/**
 * The server: everything that it is made of, and in which order it comes up and goes down.
 *
 * @throws JobctlError when the data directory is locked or cannot be used, or has another database
 */
export function createServer(
  config: ServerConfig,
  logger: Logger,
  lock: DataLock = lockServerData(config),
): ServerApp {
  // Before the database is brought up to date: one that is refused is left as it is.
  requireBelonging(config);
  const store = openStore(config.dbPath, {
    onNew: () => refuseNewDatabase(config),
    onFileProblem(problem) {
      if (problem === null) logger.info({ event: "database_found" }, "the database is back");
      else logger.error({ event: "database_lost", code: problem.code }, problem.message);
    },
  });
  refuseForeignDatabase(config, {
    id: store.installation.find()?.uuid ?? null,
    hasFiles: store.jobs.hasStoredFiles(),
    lastJobId: store.jobs.lastId(),
  });
  const holder = `${hostname()}:${process.pid}`;
  const lease = new ActiveLease(store, holder);
  warnOfShortSecret(config.enrolmentSecret, logger);
  const identities = new AgentIdentities(
    openInstallation(store.installation),
    lease.current ?? { epoch: 0, holder, since: 0 },
    store.agentKeys,
    config.enrolmentSecret,
    logger,
  );
  const watch = new BlobWatch({ checksums: store.checksums, damage: store.damage, logger });
  const blobs = new BlobStore(config.dataPath, config.minFreeBytes, watch);
  const scrub =
    config.scrub === null
      ? null
      : new Scrub({ blobs, store: store.scrub, logger, settings: config.scrub });
  const recheck = new DamageRecheck(blobs, watch);
  const events = new JobEvents();
  const table = new JobTable();
  const drains = new Drains({
    store: store.drains,
    onDeadline: (agent) => tracker.evictAll(agent),
    onChange: () => dispatcher.wake(),
  });
  const registry = new AgentRegistry(
    2 * config.agentPollSeconds * 1000,
    (name) => drains.get(name),
    (name) => table.countOnAgent(name),
    (name) => identities.show(name),
    (name) => table.countResultsOn(name),
  );
  const tasks = new Tasks(logger);
  const backups = new Backups({ store, temporary: blobs.temporary, logger });
  const reserve = new SpaceReserve({ ...config, logger });
  const vacuum = new Vacuum({ store, dbPath: config.dbPath, reserve, logger });
  const ids = new JobIds({
    dataPath: config.dataPath,
    installation: identities.installation.id,
    jobs: store.jobs,
    boot: machineMoment().boot,
    logger,
  });
  const isCopied = (): boolean => backups.isOpen;
  const garbage = { store, blobs, watch, paths: config, logger, ids, isCopied };
  const attempts = new AttemptService({
    store,
    blobs,
    events,
    logger,
    maxRequeues: config.maxRequeues,
    maxRefusedMs: config.maxRefusedSeconds * 1000,
  });
  const jobs = new JobService({
    store,
    ids,
    blobs,
    events,
    logger,
    settings: { services: config.services, maxJobSeconds: config.maxJobSeconds },
    queuePlaces: () => dispatcher.places,
    damageOf: (sha256) => watch.damageOf(sha256),
  });
  const policyOf = (service: string): ServicePolicy =>
    config.services.get(service) ?? DEFAULT_POLICY;
  const dispatcher: Dispatcher = new Dispatcher({
    table,
    registry,
    attempts,
    policyOf,
    send: (row, link) => sender.send(row, link, true),
    isDrained: (agent) => drains.get(agent) !== null,
    capacityThreshold: config.capacityThreshold,
    logger,
  });
  const sender: AttemptSender = new AttemptSender({
    attempts,
    blobs,
    policyOf,
    onReport: (link, report) => tracker.onAttempt(link, report),
    discard: (link, id) => tracker.discard(link, id),
    onOwnTrouble: (error) => dispatcher.noteTrouble(error),
    deadMs: config.agentDeadSeconds * 1000,
    logger,
  });
  const tracker: AttemptTracker = new AttemptTracker({
    attempts,
    registry,
    blobs,
    sender,
    wake: () => dispatcher.wake(),
    saveAgent: (link) => {
      if (link.self === null || link.load === null) return;
      identities.seen(link.self.name);
      store.agents.save(link.url, link.self, link.load, link.loadReceivedAt ?? wallClock());
    },
    logger,
  });
  events.onChange((row) => {
    table.apply(row);
    dispatcher.wake();
    if (row.cancel_requested_at !== null && table.active.has(row.id)) void tracker.cancel(row);
  });
  const discovery = new Discovery(config.agentUrls, {
    registry,
    store: store.agents,
    createLink,
    onAdded: () => dispatcher.wake(),
    logger,
  });

  const stopping = new AbortController();
  // Each answer that is held open listens to it.
  setMaxListeners(0, stopping.signal);
  const health = createHealth({
    ...{ store, blobs, watch, registry, dispatcher, table, tasks, lease, reserve },
    stopping: stopping.signal,
    lostJobs: () => ids.lost,
  });
  const drainMs = config.drainSeconds * 1000;
  const connections = limitOfConnections(logger, config.access);
  const http = createApiApp(logger, config.access, connections);
  const requests = new RequestsUnderWay(http);
  const loadLookups = { hit: 0, miss: 0 };
  let lastGc: GcReport | null = null;
  createTelemetry({
    ...{ store, blobs, watch, scrub, registry, events, tasks, loadLookups, table, connections },
    services: config.services,
    epoch: () => lease.current?.epoch ?? null,
    lastGc: () => lastGc,
    places: () => dispatcher.places,
  }).serve(http, requests, config.metrics);
  void http.register(async (scope) => {
    const open = scope.withTypeProvider<ZodTypeProvider>();
    healthRoutes(open, health);
  });
  void http.register(async (scope) => {
    const api = scope.withTypeProvider<ZodTypeProvider>();
    await guard(api, config.access, stopping.signal);
    infoRoute(api, info);
    submitRoute(api, {
      jobs,
      blobs,
      limits: { ...config.archiveLimits, maxUploadBytes: config.maxUploadBytes },
    });
    jobRoutes(api, jobs, stopping.signal);
    logRoute(api, { jobs, events, blobs, registry }, stopping.signal, logger);
    resultRoutes(api, { jobs, blobs, registry, logger });
    agentRoutes(api, { registry, loadLookups, logger });
    leaderRoute(api, () => ({
      schema: "jobctl.leader/v1",
      role: "active",
      holder,
      epoch: lease.current?.epoch ?? null,
      since: lease.current === null ? null : new Date(lease.current.since).toISOString(),
    }));
    usageRoute(api, (query) => measureUsage({ store, blobs }, query, wallClock()));
    damageRoutes(api, () => watch.damaged);
    backupRoutes(api, { backups, vacuum, blobs, watch, logger }, stopping.signal);
    adminRoutes(
      api,
      createAdministration({
        registry,
        discovery,
        identities,
        drains,
        tracker,
        garbage,
      }),
    );
  });

  function createLink(url: string, origin: AgentOrigin): AgentLink {
    const timeoutMs = config.agentTimeoutSeconds * 1000;
    const breaker = new CircuitBreaker(config.breaker, (state) => {
      logger.warn({ event: `breaker_${state}`, url });
      dispatcher.wake();
    });
    return new AgentLink(
      new AgentClient(
        url,
        {
          identities,
          checkName: (name) => registry.checkName(name, url),
          timeoutMs,
          connectTimeoutMs: Math.min(timeoutMs, 10_000),
        },
        breaker,
      ),
      breaker,
      store.agents.find(url),
      { origin, heartbeatSeconds: config.agentPollSeconds, deadSeconds: config.agentDeadSeconds },
      tracker,
      logger,
    );
  }

  /** New requests are refused by the guard; what had begun goes on, for as long as there is time. */
  async function drainAndClose(): Promise<void> {
    const limit = signalWithin(drainMs);
    await requests.none((route) => !HEALTH_ROUTES.has(route), limit.signal);
    limit.release();
    const closed = http.close();
    const cut = (): void => http.server.closeAllConnections();
    if (limit.signal.aborted) cut();
    else setTimeout(cut, LAST_ANSWERS_MS).unref();
    await closed;
  }

  async function reconcileAll(): Promise<void> {
    // Concurrently, so that a hanging agent does not delay the others.
    const sweeps = await Promise.allSettled(
      registry.links.map((link) => tracker.sweep(link, false)),
    );
    const failed = sweeps.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  /** What a full volume keeps from being written at the start can wait. */
  function unlessFull(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!isNotStored(error)) throw error;
      logger.warn({ event: "not_stored", what: "that agents have not been heard yet", err: error });
    }
  }

  async function noteInstallation(): Promise<void> {
    const { id } = identities.installation;
    await writeInstallationNote(config.dataPath, id, store.jobs.lastId()).catch((error: unknown) =>
      logger.warn({ event: "installation_not_noted", err: error }),
    );
  }

  function info(): ServerInfo {
    return {
      schema: "jobctl.info/v1",
      name: "jobctl-server",
      version: VERSION,
      now: wallInstant(),
      services: [...config.services.keys()],
      policies: Object.fromEntries(
        [...config.services].map(([name, { network, validation }]) => [
          name,
          { network, ...validation },
        ]),
      ),
      limits: {
        maxUploadBytes: config.maxUploadBytes,
        maxExtractedBytes: config.archiveLimits.maxExtractedBytes,
        maxArchiveEntries: config.archiveLimits.maxEntries,
        maxJobSeconds: config.maxJobSeconds,
      },
    };
  }

  return {
    http,
    async start() {
      await noteInstallation();
      for (const row of attempts.open()) table.apply(row);
      // Until an agent has been heard, nothing is known of what it runs.
      for (const agent of new Set([...table.active.values()].map((job) => job.agent))) {
        unlessFull(() => attempts.setReachable(agent, false));
      }
      const url = await http.listen({ host: config.host, port: config.port });
      lease.whenStored((stored) => {
        logger.info({ event: "lease_taken", ...stored });
        identities.renewLease(stored);
        void discovery.start();
      });
      void blobs.measure().catch((error: unknown) => {
        logger.warn({ event: "blobs_not_measured", err: error });
      });
      scrub?.start();
      tasks.start([
        { name: "reconcile", everyMs: config.reconcileSeconds * 1000, run: reconcileAll },
        {
          name: "gc",
          everyMs: config.gcSeconds * 1000,
          run: async () => {
            lastGc = await collectGarbage(garbage, { dryRun: false, force: false });
          },
        },
        {
          name: "database_file",
          everyMs: CHECK_DATABASE_FILE_EVERY_MS,
          run: () => store.checkFile(),
        },
        {
          name: "optimize",
          everyMs: OPTIMIZE_EVERY_MS,
          atStart: true,
          run: () => store.optimize(),
        },
        {
          name: "damage",
          everyMs: RECHECK_DAMAGE_EVERY_MS,
          atStart: true,
          run: () => recheck.run(stopping.signal),
        },
        {
          name: "reserve",
          everyMs: KEEP_RESERVE_EVERY_MS,
          atStart: true,
          run: () => reserve.keep(),
        },
      ]);
      return { url };
    },
    shutdown: [
      {
        name: "refuse new requests",
        timeoutMs: 1000,
        run: () => {
          stopping.abort();
          dispatcher.stop();
          sender.stop();
          drains.stop();
          discovery.stop();
          lease.stop();
        },
      },
      {
        name: "tasks",
        timeoutMs: 5000,
        run: async () => {
          await Promise.all([tasks.stop(), scrub?.stop()]);
        },
      },
      { name: "http", timeoutMs: drainMs + 5000, run: drainAndClose },
      {
        name: "agents",
        timeoutMs: 5000,
        run: async () => {
          await Promise.all(registry.links.map((link) => link.stop()));
        },
      },
      { name: "blob records", timeoutMs: 5000, run: () => watch.flush() },
      { name: "ids", timeoutMs: 5000, run: () => ids.close() },
      { name: "database", timeoutMs: 10_000, run: () => store.close() },
      { name: "lock", timeoutMs: 1000, run: () => lock.release() },
    ],
  };
}

export { SETTING_NAMES, readConfig, type ServerConfig } from "./config.js";
