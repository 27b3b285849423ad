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
  /** Before which it is not to be tried again, by the monotonic clock; null for any time. */
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
  /**
   * - `full`: it refused a moment ago, although by our count it has room
   * - `unusable`: it says that it cannot run jobs
   */
  readonly state: "accepting" | "draining" | "full" | "unusable";
}

export interface RunLimits {
  readonly maxRuns: number | null;
  readonly runsPerUser: number | null;
}

export interface Assignment {
  readonly jobId: number;
  readonly agent: string;
}

export interface Waiting {
  readonly jobId: number;
  /** From 1, in the order in which the jobs are considered. */
  readonly position: number;
  readonly reason: QueueReason;
}

/** What occupies slots, what the agents offer, and what services may use. */
export interface Situation {
  readonly active: Iterable<ActiveJob>;
  readonly agents: readonly AgentOffer[];
  readonly limitsOf: (service: string) => RunLimits;
  /** When a user was last given a slot: more for later, 0 for never. */
  readonly lastServed: (user: string) => number;
}

/**
 * Decides which queued job goes to which agent: a pure function of what is queued, what occupies slots, and what
 * the agents offer.
 *
 * Users take turns: whoever has the fewest jobs running goes next, and between equals whoever has waited longest
 * for a slot. A user's own jobs go by priority, then by age. So nobody's priority, and nobody's thousand jobs, keep
 * others waiting. A job that fits nowhere at the moment does not hold up those behind it.
 *
 * @param classes each of one user's jobs, none of which can be placed when the first cannot
 */
export function assign(classes: Iterable<Iterable<PlacedJob>>, situation: Situation): Assignment[] {
  return decide(classes, situation).assignments;
}

/**
 * Why jobs wait, and in which order they are considered once those that can be placed have been: by turns, as if
 * each of them took one.
 *
 * @param paused jobs that are not to be tried yet
 */
export function explain(
  classes: Iterable<Iterable<PlacedJob>>,
  paused: Iterable<PlacedJob>,
  situation: Situation,
): Waiting[] {
  const all = [...classes].map((jobs) => [...jobs]);
  const { assignments, usage } = decide(all, situation);
  const placed = new Set(assignments.map(({ jobId }) => jobId));
  const byUser = new Map<string, WaitingJob[]>();
  const { lastServed } = situation;
  const wait = (jobs: readonly PlacedJob[], reason: QueueReason): void => {
    const [first] = jobs;
    if (first === undefined) return;
    const key = userKey(first);
    const waiting = byUser.get(key) ?? [];
    const served = lastServed(key);
    for (const { id, priority } of jobs)
      if (!placed.has(id)) waiting.push({ id, priority, reason, turn: 0, served });
    byUser.set(key, waiting);
  };
  for (const jobs of all) {
    const [first] = jobs;
    if (first !== undefined) wait(jobs, reasonOf(first, usage, situation));
  }
  for (const job of paused) wait([job], "retry_pause");
  for (const [key, jobs] of byUser) {
    jobs.sort(byTurn);
    const running = usage.ofUser(key);
    for (const [before, job] of jobs.entries()) job.turn = running + before;
  }
  return [...byUser.values()]
    .flat()
    .toSorted((a, b) => a.turn - b.turn || a.served - b.served || a.id - b.id)
    .map(({ id, reason }, before) => ({ jobId: id, position: before + 1, reason }));
}

interface WaitingJob {
  readonly id: number;
  readonly priority: number;
  readonly reason: QueueReason;
  readonly served: number;
  turn: number;
}

/** A class while jobs are taken from it. */
interface Candidate {
  readonly jobs: Iterator<PlacedJob>;
  readonly head: PlacedJob;
}

function decide(
  classes: Iterable<Iterable<PlacedJob>>,
  { active, agents, limitsOf, lastServed }: Situation,
): { readonly assignments: Assignment[]; readonly usage: Usage } {
  const usage = new Usage(active);
  const assignments: Assignment[] = [];
  const users = usage.hasRoom(agents) ? candidatesByUser(classes) : new Map<string, Candidate[]>();
  while (users.size > 0 && usage.hasRoom(agents)) {
    const [user, candidates] = nextTurn(users, usage, lastServed);
    const assigned = takeFirstFitting(candidates, (job) =>
      place(job, usage, agents, limitsOf(job.service)),
    );
    if (assigned === null) users.delete(user);
    else {
      usage.add(assigned);
      assignments.push({ jobId: assigned.id, agent: assigned.agent });
    }
  }
  return { assignments, usage };
}

/** Takes a user's first job that an agent has room for. What does not fit is out: none of its class does. */
function takeFirstFitting(
  candidates: Candidate[],
  choose: (job: PlacedJob) => Choice,
): ActiveJob | null {
  for (let first = candidates.pop(); first !== undefined; first = candidates.pop()) {
    const { jobs, head } = first;
    const { agent } = choose(head);
    if (agent === null) continue;
    const next = jobs.next();
    if (next.done !== true) insert(candidates, { jobs, head: next.value });
    return { ...head, agent: agent.name };
  }
  return null;
}

/** The users' classes, of each user the one that goes first at the end. */
function candidatesByUser(classes: Iterable<Iterable<PlacedJob>>): Map<string, Candidate[]> {
  const users = new Map<string, Candidate[]>();
  for (const iterable of classes) {
    const jobs = iterable[Symbol.iterator]();
    const first = jobs.next();
    if (first.done === true) continue;
    const key = userKey(first.value);
    const candidate = { jobs, head: first.value };
    const candidates = users.get(key);
    if (candidates === undefined) users.set(key, [candidate]);
    else candidates.push(candidate);
  }
  for (const candidates of users.values()) candidates.sort((a, b) => byTurn(b.head, a.head));
  return users;
}

function insert(candidates: Candidate[], candidate: Candidate): void {
  let at = candidates.length;
  for (; at > 0; at -= 1) {
    const before = candidates[at - 1];
    if (before === undefined || byTurn(candidate.head, before.head) < 0) break;
  }
  candidates.splice(at, 0, candidate);
}

/** Which of a user's own jobs goes first. */
const byTurn = (
  a: Pick<PlacedJob, "id" | "priority">,
  b: Pick<PlacedJob, "id" | "priority">,
): number => b.priority - a.priority || a.id - b.id;

function nextTurn(
  users: ReadonlyMap<string, Candidate[]>,
  usage: Usage,
  lastServed: Situation["lastServed"],
): readonly [string, Candidate[]] {
  const turns = [...users].map(([key, candidates]) => ({
    entry: [key, candidates] as const,
    running: usage.ofUser(key),
    served: lastServed(key),
    first: candidates.at(-1)?.head.id ?? 0,
  }));
  return turns.reduce((best, turn) => {
    const order =
      turn.running - best.running || turn.served - best.served || turn.first - best.first;
    return order < 0 ? turn : best;
  }).entry;
}

function reasonOf(job: PlacedJob, usage: Usage, { agents, limitsOf }: Situation): QueueReason {
  const choice = place(job, usage, agents, limitsOf(job.service));
  return choice.agent === null ? choice.reason : "agents_busy";
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
  const accepting = suitable.filter(({ state }) => state !== "draining" && state !== "unusable");
  if (accepting.length === 0) {
    const isUnusable = suitable.some(({ state }) => state === "unusable");
    return wait(isUnusable ? "agents_unusable" : "agents_draining");
  }
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

/** Names a user within all tenants. */
export const userKey = (job: Pick<PlacedJob, "tenant" | "user">): string =>
  JSON.stringify([job.tenant, job.user]);

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

  /** Whether any agent has a slot for any job. */
  hasRoom(agents: readonly AgentOffer[]): boolean {
    return agents.some(
      ({ name, slots, state }) => state === "accepting" && this.#ofAgent(name).slots < slots,
    );
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
