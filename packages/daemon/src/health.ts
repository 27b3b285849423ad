import { VERSION, type Health, type HealthCheck, type TaskHealth } from "@jobctl/protocol";

/** How often it is measured how late this process is. */
const SAMPLE_MS = 1000;
/** Only a process that is so late so often in a row is broken: after a long turn it may recover. */
const LATE_MS = 5000;
const SAMPLES = 5;

/** Tells whether the event loop still gets round to its work: whether a restart would help. */
export class EventLoopWatch {
  readonly #timer: NodeJS.Timeout;
  #latest: number[] = [];
  #dueMs = performance.now() + SAMPLE_MS;

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get check(): HealthCheck {
    const isLate = this.#latest.length === SAMPLES && this.#latest.every((late) => late > LATE_MS);
    const message = `${Math.round(this.#latest.at(-1) ?? 0)} ms late`;
    return { ok: !isLate, critical: true, message, ageSeconds: null };
  }

  #sample(): void {
    const now = performance.now();
    this.#latest = [...this.#latest, Math.max(0, now - this.#dueMs)].slice(-SAMPLES);
    this.#dueMs = now + SAMPLE_MS;
  }
}

export interface HealthFacts {
  readonly name: string;
  readonly startedMs: number;
  /** What it is, when that is more than well or unwell. */
  readonly state: "draining" | "standby" | null;
  readonly checks: Health["checks"];
  readonly tasks: Record<string, TaskHealth>;
}

/** The answer of `/health`, from what has been checked. */
export function healthOf({ name, startedMs, state, checks, tasks }: HealthFacts): Health {
  const failed = Object.values(checks).filter(({ ok }) => !ok);
  const allWell = failed.length === 0 && Object.values(tasks).every(({ ok }) => ok);
  const found = failed.some(({ critical }) => critical)
    ? "unavailable"
    : allWell
      ? "ok"
      : "degraded";
  return {
    status: state ?? found,
    name,
    version: VERSION,
    uptimeSeconds: Math.round((performance.now() - startedMs) / 1000),
    checks,
    tasks,
  };
}
