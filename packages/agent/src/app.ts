import { join } from "node:path";

import {
  ConnectionLimit,
  EventLoopWatch,
  FileSystemWatch,
  Metrics,
  RequestsUnderWay,
  createHttpApp,
  freeSpaceOf,
  healthOf,
  lacksInodes,
  type Logger,
  type ShutdownStep,
  warnOfShortSecret,
} from "@jobctl/daemon";
import {
  ATTEMPT_STATES,
  JobctlError,
  MAX_ENV_BYTES,
  VERSION,
  type AgentSelf,
  type HealthCheck,
} from "@jobctl/protocol";
import { ScriptChecker } from "@jobctl/validator/checker";

import { AttemptPool } from "./attempts/attempt-pool.js";
import { Capacity } from "./attempts/capacity.js";
import { WatchFeed } from "./attempts/watch-feed.js";
import type { AgentConfig } from "./config.js";
import { DataFolder } from "./data-folder.js";
import type { ExecutorCapabilities } from "./executors/executor.js";
import { ExecutorHealth } from "./executor-health.js";
import { FolderLock } from "./folder-lock.js";
import { attemptRoutes } from "./http/attempt-routes.js";
import { healthRoutes } from "./http/health-routes.js";
import { checkSession, sessionRoutes } from "./http/session-routes.js";
import { watchRoute } from "./http/watch-route.js";
import { Identity } from "./identity.js";
import { LoadSampler } from "./load-sampler.js";
import { Sessions } from "./sessions.js";
import { selectExecutor } from "./select-executor.js";
import { Trash } from "./workspace/trash.js";

/** Scripts that are checked at the same time: one that takes long does not keep all others waiting. */
const CHECKER_THREADS = 2;

/** The specification is base64 of JSON, with every environment variable in it, and then some. */
const MAX_HEADER_BYTES = 4 * MAX_ENV_BYTES + 64 * 1024;

/** After the grace time, for output of a job that has ended and is held open all the same. */
const HELD_OUTPUT_MS = 30_000;

export interface AgentApp {
  start(): Promise<{ url: string }>;
  readonly shutdown: readonly ShutdownStep[];
  /** For a second signal. */
  kill(): void;
}

/**
 * The agent: everything that it is made of, and in which order it comes up and goes down.
 *
 * @throws JobctlError `sandbox_unavailable`, `data_dir_locked`, `config_invalid`
 */
export async function createAgent(config: AgentConfig, logger: Logger): Promise<AgentApp> {
  // Before anything in it is read: its holder's jobs are not to be mistaken for what is left of a crash.
  const lock = await FolderLock.take(config.dataPath, config.name);
  const executor = await selectExecutor(config).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  const capacity = new Capacity(config);
  const self: AgentSelf = {
    name: config.name,
    version: VERSION,
    slots: config.slots,
    cpus: config.cpus,
    memoryBytes: config.memoryBytes,
    services: [...config.services],
    sandbox: executor.name,
    capabilities: namesOf(executor.capabilities),
  };
  const executorHealth = new ExecutorHealth(executor, logger, () => feed.loadChanged());
  const paths = {
    path: config.dataPath,
    attempts: join(config.dataPath, "attempts"),
    trash: join(config.dataPath, "trash"),
  };
  const trash = new Trash(paths.trash, logger);
  const identity = await Identity.open(config.dataPath);
  const dataFolder: DataFolder = new DataFolder({
    ...paths,
    lock,
    identity,
    onChange: () => feed.loadChanged(),
    onReplaced: () => pool.reconcile(),
    logger,
  });
  const checker = new ScriptChecker({
    threads: CHECKER_THREADS,
    isWarmedUp: true,
    siteRules: config.siteRules,
  });
  const pool = new AttemptPool(
    paths.attempts,
    capacity,
    {
      agentName: config.name,
      ...{ executor, checker },
      trash,
      archiveLimits: config.archiveLimits,
      maxLogBytes: config.maxLogBytes,
      jobLimits: config.jobLimits,
      maxMemoryBytes: config.memoryBytes,
      workspaceLimits: config.workspaceLimits,
      maxResultBytes: config.maxResultBytes,
      killGraceMs: config.killGraceSeconds * 1000,
      heldOutputMs: config.killGraceSeconds * 1000 + HELD_OUTPUT_MS,
      canRunJobs: () => executorHealth.check(),
      refusal: () => refusalOf(executorHealth.problem, dataFolder.problem),
      storage: {
        isUsable: () => dataFolder.check(),
        get unusableMs() {
          return dataFolder.unusableMs;
        },
      },
      storageDeadMs: config.storageDeadSeconds * 1000,
      removed: () => feed.loadChanged(),
      logger,
    },
    (report) => {
      feed.attemptChanged(report);
      // These are when a slot is taken and when it is free again.
      if (report.state === "running" || report.state === "packing") feed.loadChanged();
    },
  );
  const sampler = new LoadSampler(() => ({
    slotsUsed: capacity.slotsUsed,
    slotsTotal: config.slots,
    draining: pool.draining || executorHealth.problem !== null || dataFolder.problem !== null,
    problem: dataFolder.problem ?? executorHealth.problem,
  }));
  const feed = new WatchFeed({ self, reports: () => pool.reports, load: () => sampler.load });
  const loadTimer = setInterval(() => {
    sampler.sample();
    feed.loadChanged();
    void dataFolder.check();
  }, config.loadSeconds * 1000);

  const app = createHttpApp({
    logger,
    maxHeaderBytes: MAX_HEADER_BYTES,
    onClose: "cut",
    connections: new ConnectionLimit({
      maxPerAddress: config.maxConnectionsPerAddress,
      exempt: [],
      logger,
    }),
  });
  const requests = new RequestsUnderWay(app);
  const metrics = new Metrics();
  metrics.gauge({
    name: "jobctl_agent_attempts",
    help: "Attempts that this agent holds.",
    labels: ["state"],
    collect: (set) => {
      const counts = new Map<string, number>(ATTEMPT_STATES.map((state) => [state, 0]));
      for (const { state } of pool.reports) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const [state, count] of counts) set(count, { state });
    },
  });
  metrics.gauge({
    name: "jobctl_agent_draining",
    help: "1 when it takes no new work.",
    collect: (set) => set(sampler.load.draining ? 1 : 0),
  });
  metrics.serve(app, requests, config.metrics);
  const startedMs = performance.now();
  const eventLoop = new EventLoopWatch();
  const fileSystem = new FileSystemWatch(() => checkSpace(config.dataPath));
  healthRoutes(app, {
    isAlive: async () => eventLoop.check.ok && (await fileSystem.isAlive()),
    health: async () => {
      const message = executorHealth.problem ?? [executor.name, ...self.capabilities].join(" ");
      return healthOf({
        ...{ name: config.name, startedMs, state: pool.draining ? "draining" : null },
        checks: {
          sandbox: {
            ok: executorHealth.problem === null,
            critical: true,
            message,
            ageSeconds: null,
          },
          dataFolder: {
            ok: dataFolder.problem === null,
            critical: true,
            message: dataFolder.problem,
            ageSeconds: null,
          },
          disk: await fileSystem.check(),
          trash: {
            ok: trash.stuck === 0,
            critical: false,
            message: trash.stuck === 0 ? null : `${trash.stuck} directories cannot be removed`,
            ageSeconds: null,
          },
          eventLoop: eventLoop.check,
        },
        tasks: {},
      });
    },
    load: () => sampler.load,
  });
  const sessions = new Sessions(
    config.name,
    identity,
    config.enrolmentSecret,
    () => requests.count((route) => route === "/v1/watch") > 0,
    logger,
  );
  void app.register(async (open) => sessionRoutes(open, sessions));
  void app.register(async (guarded) => {
    guarded.addHook("onRequest", async (request, reply) => checkSession(request, reply, sessions));
    attemptRoutes(guarded, pool, logger);
    watchRoute(guarded, feed, logger);
  });

  return {
    async start() {
      warnOfShortSecret(config.enrolmentSecret, logger);
      if (executor.name === "process") {
        logger.warn(
          { event: "no_sandbox" },
          "jobs run as ordinary processes of this user, without isolation",
        );
      }
      if (executor.name === "bubblewrap" && !executor.capabilities.filtersSystemCalls) {
        logger.warn(
          { event: "no_system_call_filter" },
          `jobs can make every system call: jobctl has no filter for ${process.arch}`,
        );
      }
      if (process.getuid?.() === 0) {
        logger.warn(
          { event: "runs_as_root" },
          "the agent runs as root, which it does not need: start it as a user of its own, to which a control group is delegated",
        );
      }
      await checker.ready();
      await pool.recover();
      await dataFolder.check();
      const url = await app.listen({ host: config.host, port: config.port });
      return { url };
    },
    kill: () => pool.killAll(),
    shutdown: [
      {
        name: "drain",
        timeoutMs: (config.drainSeconds + config.killGraceSeconds) * 1000 + 5000,
        run: (cause) => {
          const limitMs = cause === "parent_gone" ? 0 : config.drainSeconds * 1000;
          const drained = pool.drain(limitMs, () => requests.count(isResult) > 0);
          feed.loadChanged();
          return drained;
        },
      },
      // What is left of it is removed after the next start.
      { name: "trash", timeoutMs: 5000, run: () => trash.settled() },
      {
        name: "http",
        timeoutMs: 5000,
        run: async () => {
          clearInterval(loadTimer);
          await app.close();
          await checker.close();
        },
      },
    ],
  };
}

/** Why an agent with these problems takes no jobs; null when it has none. */
function refusalOf(executorProblem: string | null, folderProblem: string | null) {
  const facts = { retryAfterSeconds: TRY_AGAIN_SECONDS };
  if (folderProblem !== null)
    return new JobctlError("file_system", `this agent cannot take jobs: ${folderProblem}`, facts);
  return executorProblem === null
    ? null
    : new JobctlError("no_room", `this agent cannot run jobs: ${executorProblem}`, facts);
}

/** When a server may try again to send a job to an agent that cannot take any. */
const TRY_AGAIN_SECONDS = 10;

/** With less than this, archives, output and results will soon have to wait. */
const LITTLE_SPACE_BYTES = 256 * 1024 ** 2;

async function checkSpace(path: string): Promise<HealthCheck> {
  try {
    const space = await freeSpaceOf(path);
    const { freeBytes, freeInodes } = space;
    const isShort = freeBytes < LITTLE_SPACE_BYTES || lacksInodes(space);
    const inodes = lacksInodes(space) ? `, and only ${freeInodes} inodes` : "";
    const message = `${(freeBytes / 1e9).toFixed(1)} GB are free${inodes}`;
    return { ok: !isShort, critical: false, message, ageSeconds: null };
  } catch (error) {
    return { ok: false, critical: false, message: (error as Error).message, ageSeconds: null };
  }
}

const isResult = (route: string): boolean => route === "/v1/attempts/:id/result";

function namesOf(capabilities: ExecutorCapabilities): string[] {
  const { isolatesFiles, isolatesNetwork, diesWithAgent, limitsWholeJob, filtersSystemCalls } =
    capabilities;
  return [
    ...(isolatesFiles ? ["files"] : []),
    ...(isolatesNetwork ? ["network"] : []),
    ...(diesWithAgent ? ["dies-with-agent"] : []),
    ...(limitsWholeJob ? ["whole-job-limits"] : []),
    ...(filtersSystemCalls ? ["seccomp"] : []),
  ];
}

export { SETTING_NAMES, readConfig } from "./config.js";
