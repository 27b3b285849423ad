import type { QueueReason } from "@jobctl/protocol";

/** A job as the placement sees it. */
export interface PlacedJob {
  readonly id: number;
  readonly tenant: string;
  readonly user: string;
  readonly service: string;
  readonly priority: number;
  readonly cpus: number;
  readonly memoryBytes: number | null;
  /** Before which it is not to be tried again, by the clock that `plan` is given; null for any time. */
  readonly notBeforeMs: number | null;
}

export interface ActiveJob extends PlacedJob {
  readonly agent: string;
}

export interface AgentOffer {
  readonly name: string;
  readonly services: readonly string[];
  readonly slots: number;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** `full`: it refused a moment ago, although by our count it has room. */
  readonly state: "accepting" | "draining" | "full";
}

export interface RunLimits {
  readonly maxRuns: number | null;
  readonly runsPerUser: number | null;
}

interface Assignment {
  readonly jobId: number;
  readonly agent: string;
}

interface Waiting {
  readonly jobId: number;
  /** From 1, in the order in which the jobs are considered. */
  readonly position: number;
  readonly reason: QueueReason;
}

export interface Plan {
  readonly assignments: Assignment[];
  readonly waiting: Waiting[];
}

/**
 * Decides which queued job goes to which agent, and why the others wait. A pure function of what
 * is queued, what occupies slots, and what the agents offer.
 *
 * Users take turns: whoever has the fewest jobs running goes next, and between equals the job that
 * has waited longest. A user's own jobs go by priority, then by age. So nobody's priority, and
 * nobody's thousand jobs, keep others waiting. A job that fits nowhere at the moment does not hold
 * up those behind it.
 */
export function plan(
  queued: Iterable<PlacedJob>,
  active: Iterable<ActiveJob>,
  agents: readonly AgentOffer[],
  limitsOf: (service: string) => RunLimits,
  nowMs: number,
): Plan {
  const usage = new Usage(active);
  const assignments: Assignment[] = [];
  const waiting: Waiting[] = [];
  for (const job of inTurns(queued, usage)) {
    const choice =
      job.notBeforeMs !== null && job.notBeforeMs > nowMs
        ? ({ agent: null, reason: "retry_pause" } as const)
        : place(job, usage, agents, limitsOf(job.service));
    if (choice.agent !== null) {
      usage.add({ ...job, agent: choice.agent.name });
      assignments.push({ jobId: job.id, agent: choice.agent.name });
    } else {
      waiting.push({ jobId: job.id, position: waiting.length + 1, reason: choice.reason });
    }
  }
  return { assignments, waiting };
}

type Choice =
  | { readonly agent: AgentOffer }
  | { readonly agent: null; readonly reason: QueueReason };

function place(
  job: PlacedJob,
  usage: Usage,
  agents: readonly AgentOffer[],
  limits: RunLimits,
): Choice {
  const wait = (reason: QueueReason): Choice => ({ agent: null, reason });
  if (limits.maxRuns !== null && usage.ofService(job.service) >= limits.maxRuns)
    return wait("service_limit");
  if (limits.runsPerUser !== null && usage.ofUserInService(job) >= limits.runsPerUser)
    return wait("user_limit");
  const suitable = agents.filter((agent) => couldRun(agent, job));
  if (suitable.length === 0) return wait("no_agent");
  const accepting = suitable.filter((agent) => agent.state !== "draining");
  if (accepting.length === 0) return wait("agents_draining");
  const free = accepting.filter((agent) => agent.state === "accepting" && usage.fits(agent, job));
  const best = free.reduce<AgentOffer | null>(
    (chosen, agent) => (chosen === null || usage.load(agent) < usage.load(chosen) ? agent : chosen),
    null,
  );
  return best === null ? wait("agents_busy") : { agent: best };
}

/** Whether the agent could run the job if it had nothing else to do. */
function couldRun(agent: AgentOffer, job: PlacedJob): boolean {
  return (
    agent.services.includes(job.service) &&
    agent.cpus >= job.cpus &&
    agent.memoryBytes >= (job.memoryBytes ?? 0)
  );
}

const userKey = (job: PlacedJob): string => JSON.stringify([job.tenant, job.user]);

/**
 * The queue in the order in which the jobs are considered. The turns follow the counts as they are
 * when each job is taken, so a job that was placed in between counts.
 */
function* inTurns(queued: Iterable<PlacedJob>, usage: Usage): Generator<PlacedJob> {
  const byUser = new Map<string, PlacedJob[]>();
  for (const job of queued) {
    const jobs = byUser.get(userKey(job));
    if (jobs === undefined) byUser.set(userKey(job), [job]);
    else jobs.push(job);
  }
  // Taken from the end, which costs nothing.
  for (const jobs of byUser.values()) jobs.sort((a, b) => a.priority - b.priority || b.id - a.id);
  const turnsTaken = new Map<string, number>();
  while (byUser.size > 0) {
    let next: string | null = null;
    let best: readonly [number, number] = [Infinity, Infinity];
    for (const [user, jobs] of byUser) {
      const head = jobs.at(-1);
      const turn = [
        usage.ofUser(user) + (turnsTaken.get(user) ?? 0),
        head?.id ?? Infinity,
      ] as const;
      if (turn[0] < best[0] || (turn[0] === best[0] && turn[1] < best[1]))
        [next, best] = [user, turn];
    }
    if (next === null) return;
    const jobs = byUser.get(next) ?? [];
    const job = jobs.pop();
    if (jobs.length === 0) byUser.delete(next);
    if (job === undefined) continue;
    const runningBefore = usage.ofUser(next);
    yield job;
    // A job that has to wait uses up a turn as well, or its owner would stay first for ever.
    if (usage.ofUser(next) === runningBefore) turnsTaken.set(next, (turnsTaken.get(next) ?? 0) + 1);
  }
}

/** Running counts, kept up to date while jobs are being placed. */
class Usage {
  readonly #byService = new Map<string, number>();
  readonly #byUser = new Map<string, number>();
  readonly #byUserInService = new Map<string, number>();
  readonly #byAgent = new Map<string, { slots: number; cpus: number; memoryBytes: number }>();

  constructor(active: Iterable<ActiveJob>) {
    for (const job of active) this.add(job);
  }

  add(job: ActiveJob): void {
    increment(this.#byService, job.service);
    increment(this.#byUser, userKey(job));
    increment(this.#byUserInService, userKey(job) + job.service);
    const used = this.#ofAgent(job.agent);
    this.#byAgent.set(job.agent, {
      slots: used.slots + 1,
      cpus: used.cpus + job.cpus,
      memoryBytes: used.memoryBytes + (job.memoryBytes ?? 0),
    });
  }

  ofService(service: string): number {
    return this.#byService.get(service) ?? 0;
  }

  ofUser(key: string): number {
    return this.#byUser.get(key) ?? 0;
  }

  ofUserInService(job: PlacedJob): number {
    return this.#byUserInService.get(userKey(job) + job.service) ?? 0;
  }

  fits(agent: AgentOffer, job: PlacedJob): boolean {
    const used = this.#ofAgent(agent.name);
    return (
      used.slots + 1 <= agent.slots &&
      used.cpus + job.cpus <= agent.cpus &&
      used.memoryBytes + (job.memoryBytes ?? 0) <= agent.memoryBytes
    );
  }

  /** Share of the slots in use, 0 to 1. */
  load(agent: AgentOffer): number {
    return this.#ofAgent(agent.name).slots / agent.slots;
  }

  #ofAgent(name: string) {
    return this.#byAgent.get(name) ?? { slots: 0, cpus: 0, memoryBytes: 0 };
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
