import { KeyedEvents, signalWithin, wallInstant } from "@jobctl/daemon";
import type { AgentLoad, AgentSelf, AttemptReport, WatchMessage } from "@jobctl/protocol";

import { aged } from "./attempt-moments.js";

export interface WatchSource {
  readonly self: AgentSelf;
  reports(): AttemptReport[];
  load(): AgentLoad;
}

/**
 * What the server watches: a snapshot, then every change. A slow reader costs no memory: of each
 * attempt only the latest report is kept for it.
 */
export class WatchFeed {
  readonly #source: WatchSource;
  readonly #subscribers = new Set<Subscriber>();

  constructor(source: WatchSource) {
    this.#source = source;
  }

  attemptChanged(report: AttemptReport): void {
    for (const subscriber of this.#subscribers) subscriber.offerAttempt(report);
  }

  loadChanged(): void {
    for (const subscriber of this.#subscribers) subscriber.offerLoad();
  }

  /** Messages as lines of JSON, one at least in each heartbeat, until the signal is raised. */
  async *watch(heartbeatMs: number, signal: AbortSignal): AsyncGenerator<string> {
    const subscriber = new Subscriber();
    this.#subscribers.add(subscriber);
    try {
      yield line({
        type: "snapshot",
        agent: this.#source.self,
        attempts: this.#source.reports(),
        load: this.#source.load(),
      });
      while (!signal.aborted) {
        const heartbeat = signalWithin(heartbeatMs, signal);
        await subscriber.wait(heartbeat.signal).finally(() => heartbeat.release());
        const { attempts, load } = subscriber.take();
        for (const attempt of attempts) yield line({ type: "attempt", attempt });
        if (load) yield line({ type: "load", load: this.#source.load() });
        if (attempts.length === 0 && !load) {
          yield line({ type: "heartbeat", at: wallInstant() });
        }
      }
    } finally {
      this.#subscribers.delete(subscriber);
    }
  }
}

class Subscriber {
  readonly #news = new KeyedEvents<"news">();
  #attempts = new Map<string, { readonly report: AttemptReport; readonly offeredMs: number }>();
  #load = false;

  offerAttempt(report: AttemptReport): void {
    this.#attempts.set(report.id, { report, offeredMs: performance.now() });
    this.#news.announce("news");
  }

  offerLoad(): void {
    this.#load = true;
    this.#news.announce("news");
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (this.#attempts.size > 0 || this.#load) return;
    await this.#news.next("news", signal);
  }

  take(): { attempts: AttemptReport[]; load: boolean } {
    const nowMs = performance.now();
    const attempts = [...this.#attempts.values()].map(({ report, offeredMs }) =>
      aged(report, nowMs - offeredMs),
    );
    const taken = { attempts, load: this.#load };
    this.#attempts = new Map();
    this.#load = false;
    return taken;
  }
}

function line(message: WatchMessage): string {
  return `${JSON.stringify(message)}\n`;
}
