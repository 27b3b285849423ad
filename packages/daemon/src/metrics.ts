import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

import { readProcessLimits } from "./process-limits.js";
import { metricsCheck, type MetricsAccess } from "./metrics-access.js";
import type { RequestsUnderWay } from "./requests.js";

/** Until then a request is quick, or is a transfer that takes as long as it takes. Seconds. */
const DURATIONS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

export interface FigureSettings {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Called for each scrape: sets what there is now. */
  readonly collect: (set: (value: number, labels?: Record<string, string>) => void) => void;
}

/**
 * The figures of a daemon, in Prometheus' text format: those of every process, of its HTTP side by route
 * template, and whatever else it adds.
 */
export class Metrics {
  readonly registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    const limits = readProcessLimits();
    this.gauge({
      name: "jobctl_process_memory_limit_bytes",
      help: "Memory that this process may use: the limit of its container, or the machine's.",
      collect: (set) => set(limits.memoryBytes),
    });
    this.gauge({
      name: "jobctl_process_heap_limit_bytes",
      help: "Size of the JavaScript heap beyond which Node.js ends this process.",
      collect: (set) => set(limits.heapBytes),
    });
    this.gauge({
      name: "jobctl_process_cpus",
      help: "CPUs that this process may use: the quota of its container, or the machine's.",
      collect: (set) => set(limits.cpus),
    });
  }

  /** A figure that is looked up when somebody asks; what is gone disappears. */
  gauge({ name, help, labels = [], collect }: FigureSettings): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        // Without labels that leaves a zero, which would be a figure as well.
        if (labels.length === 0) gauge.remove();
        collect((value, values = {}) => gauge.set(values, value));
      },
    });
  }

  /** A count that something else keeps, looked up when somebody asks. It must never fall. */
  countedElsewhere({ name, help, labels = [], collect }: FigureSettings): void {
    const counter = new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      collect: () => {
        counter.reset();
        collect((value, values = {}) => counter.inc(values, value));
      },
    });
  }

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly string[] = [],
  ): Histogram {
    return new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.registry],
    });
  }

  /** Counts the requests of an application, and answers `/metrics` to those who may read it. */
  serve(app: FastifyInstance, requests: RequestsUnderWay, access: MetricsAccess): void {
    const check = metricsCheck(access);
    const labels = ["method", "route", "code"];
    const total = this.counter("http_requests_total", "Requests that were answered.", labels);
    const duration = this.histogram(
      "http_request_duration_seconds",
      "From the request's first byte to the answer's last.",
      DURATIONS,
      labels,
    );
    this.gauge({
      name: "http_requests_in_flight",
      help: "Requests that are being answered.",
      collect: (set) => set(requests.count(() => true)),
    });
    app.addHook("onRequest", async (request, reply) => {
      const began = performance.now();
      // Also for answers that are written past the framework, and for connections that are cut.
      reply.raw.once("close", () => {
        const values = {
          method: request.method,
          route: request.routeOptions.url ?? "unknown",
          code: String(reply.raw.statusCode),
        };
        total.inc(values);
        duration.observe(values, (performance.now() - began) / 1000);
      });
    });
    app.get("/metrics", { schema: { hide: true } } as object, async (request, reply) => {
      check(request);
      return reply
        .type(this.registry.contentType)
        .serializer(String)
        .send(await this.registry.metrics());
    });
  }
}
