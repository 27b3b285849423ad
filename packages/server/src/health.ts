import { EventLoopWatch, FileSystemWatch, healthOf } from "@jobctl/daemon";
import type { Health, HealthCheck } from "@jobctl/protocol";

import type { ActiveLease } from "./active-lease.js";
import type { AgentRegistry } from "./agents/agent-registry.js";
import type { BlobStore } from "./blobs/blob-store.js";
import type { HealthSource } from "./http/system-routes.js";
import type { BlobWatch } from "./maintenance/blob-watch.js";
import type { SpaceReserve } from "./maintenance/space-reserve.js";
import type { Tasks } from "./maintenance/tasks.js";
import type { Dispatcher } from "./scheduler/dispatcher.js";
import type { JobTable } from "./scheduler/job-table.js";
import { describeLost, type IdRange } from "./store/job-ids.js";
import type { Store } from "./store/store.js";

export interface HealthParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly watch: BlobWatch;
  readonly registry: AgentRegistry;
  readonly dispatcher: Dispatcher;
  readonly table: JobTable;
  readonly tasks: Tasks;
  readonly lease: ActiveLease;
  readonly reserve: SpaceReserve;
  readonly stopping: AbortSignal;
  readonly lostJobs: () => IdRange | null;
}

/** What the server depends on, tried when somebody asks, and what it does in the background. */
export function createHealth(parts: HealthParts): HealthSource {
  const { store, blobs, watch, registry, dispatcher, table, tasks, lease, reserve, stopping } =
    parts;
  const startedMs = performance.now();
  const eventLoop = new EventLoopWatch();
  const fileSystem = new FileSystemWatch(() =>
    attempt(async () => {
      await blobs.checkFreeSpace(0);
      const free = `${((await blobs.freeBytes()) / 1e9).toFixed(1)} GB are free`;
      return reserve.sizeBytes > 0 ? free : `${free}, and there is no reserve for a vacuum`;
    }),
  );

  function reconciled(): HealthCheck {
    const ok = registry.reconciled;
    // Until then nothing is dispatched to an agent whose attempts are not known.
    const message = ok ? null : "not all agents have been compared with the jobs yet";
    return { ok, critical: true, message, ageSeconds: null };
  }

  /** Of two servers of one installation the newer one keeps the agents; the other one is of no use. */
  function leased(): HealthCheck {
    const refusing = registry.links.filter(({ problemCode }) => problemCode === "epoch_outdated");
    const refusal = refusing[0]?.problem ?? null;
    const names = refusing.map(({ name, url }) => name ?? url).join(", ");
    const message =
      lease.problem !== null
        ? `the lease cannot be stored, so no agent is given work: ${lease.problem}`
        : refusal !== null
          ? `another server of this installation has the agents ${names}: ${refusal}`
          : null;
    return { ok: message === null, critical: true, message, ageSeconds: null };
  }

  function poller(): HealthCheck {
    const loads = registry.loads();
    const silent = loads.filter(({ stale }) => stale);
    const names = silent.map(({ name, url }) => name ?? url).join(", ");
    const ages = loads.flatMap(({ ageSeconds }) => ageSeconds ?? []);
    return {
      ok: silent.length === 0,
      critical: false,
      message:
        silent.length === 0
          ? `${loads.length} agents are heard of`
          : `${silent.length} of ${loads.length} agents are silent: ${names}`,
      ageSeconds: ages.length === 0 ? null : Math.max(...ages),
    };
  }

  function breakers(): HealthCheck {
    const open = registry.links.filter(({ breaker }) => breaker.state !== "closed");
    const names = open.map(({ name, url }) => name ?? url).join(", ");
    return {
      ok: open.length === 0,
      critical: false,
      message: open.length === 0 ? "all are closed" : `not closed: ${names}`,
      ageSeconds: null,
    };
  }

  function damage(): HealthCheck {
    const { damagedCount, missingCount } = watch;
    const isFine = damagedCount + missingCount === 0;
    const message = isFine
      ? "none is known to be damaged or missing"
      : `archives or results: ${damagedCount} damaged or unreadable, ${missingCount} missing`;
    return { ok: isFine, critical: false, message, ageSeconds: null };
  }

  function complete(): HealthCheck {
    const lost = parts.lostJobs();
    const message =
      lost === null
        ? "none is known to be lost"
        : `the database has lost ${describeLost(lost)}: restore a backup, or give them up: jobctl gc --force`;
    return { ok: lost === null, critical: false, message, ageSeconds: null };
  }

  return {
    isAlive: async () => eventLoop.check.ok && (await fileSystem.isAlive()),
    async health(): Promise<Health> {
      const checks = {
        database: await attempt(() => store.checkWritable()),
        disk: await fileSystem.check(),
        eventLoop: eventLoop.check,
        lease: leased(),
        agents: reconciled(),
        dispatcher: {
          ok: dispatcher.trouble === null,
          critical: false,
          message:
            dispatcher.trouble === null
              ? `${table.queued.size} jobs wait, ${table.active.size} are under way`
              : `nothing can be sent: ${dispatcher.trouble}`,
          ageSeconds: dispatcher.idleSeconds,
        },
        poller: poller(),
        breakers: breakers(),
        blobs: damage(),
        jobs: complete(),
      };
      const state = stopping.aborted ? ("draining" as const) : null;
      const facts = { name: "jobctl-server", startedMs, state, checks, tasks: tasks.health };
      return { ...healthOf(facts), database: checks.database.message ?? "ok" };
    },
  };
}

/** A check of something that the server cannot do without. */
async function attempt(check: () => Promise<string> | void): Promise<HealthCheck> {
  try {
    const message = (await check()) ?? null;
    return { ok: true, critical: true, message, ageSeconds: null };
  } catch (error) {
    return { ok: false, critical: true, message: (error as Error).message, ageSeconds: null };
  }
}
