import type { Ora } from "ora";

import type { Output } from "./output.js";
import { printable } from "./printable.js";
import { formatBytes, formatDuration } from "./units.js";

const LINE_EVERY_MS = 10_000;
const DRAW_EVERY_MS = 100;

/** What is going on, for a person who waits: a moving line on a terminal, a line every 10 s else. */
export interface Progress {
  /** What is being done, such as `Uploading`. */
  phase(text: string, totalBytes?: number): void;
  /** More bytes of the phase have been moved. */
  advance(bytes: number): void;
  stop(): void;
}

export async function startProgress(output: Output): Promise<Progress> {
  if (!output.showsProgress) return silent;
  return process.stderr.isTTY ? moving() : lines(output);
}

const silent: Progress = { phase() {}, advance() {}, stop() {} };

async function moving(): Promise<Progress> {
  const { default: ora } = await import("ora");
  const meter = new Meter();
  let spinner: Ora | null = null;
  let drawnMs = 0;
  return {
    phase(text, totalBytes) {
      meter.start(text, totalBytes);
      spinner ??= ora({ stream: process.stderr, discardStdin: false }).start();
      spinner.text = meter.toString();
    },
    advance(bytes) {
      meter.advance(bytes);
      if (spinner === null || performance.now() - drawnMs < DRAW_EVERY_MS) return;
      drawnMs = performance.now();
      spinner.text = meter.toString();
    },
    stop() {
      spinner?.stop();
      spinner = null;
    },
  };
}

function lines(output: Output): Progress {
  const meter = new Meter();
  const timer = setInterval(() => output.note(meter.toString()), LINE_EVERY_MS);
  timer.unref();
  return {
    phase: (text, totalBytes) => meter.start(text, totalBytes),
    advance: (bytes) => meter.advance(bytes),
    stop: () => clearInterval(timer),
  };
}

class Meter {
  #text = "";
  #total: number | undefined;
  #done = 0;
  #startedMs = 0;

  start(text: string, totalBytes?: number): void {
    this.#text = printable(text);
    this.#total = totalBytes;
    this.#done = 0;
    this.#startedMs = performance.now();
  }

  advance(bytes: number): void {
    this.#done += bytes;
  }

  toString(): string {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    if (this.#done === 0) return this.#text;
    const rate = this.#done / Math.max(seconds, 0.001);
    const of = this.#total === undefined ? "" : ` of ${formatBytes(this.#total)}`;
    const left =
      this.#total === undefined || this.#total <= this.#done
        ? ""
        : `, ${formatDuration((this.#total - this.#done) / rate)} left`;
    return `${this.#text} ${formatBytes(this.#done)}${of}, ${formatBytes(rate)}/s${left}`;
  }
}
