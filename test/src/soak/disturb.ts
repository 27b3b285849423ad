import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import type { Disturbance, DisturbanceParts } from "./disturbances.js";
import type { Findings } from "./findings.js";
import { Random } from "./random.js";
import type { Target } from "./target.js";

const PAUSE_MS = [1000, 4000] as const;

export interface DisturbSettings {
  readonly seed: number;
  readonly seconds: number;
  readonly disturbances: readonly Disturbance[];
  readonly findings: Findings;
}

/**
 * Disturbs one daemon again and again, one way after the other, as the seed says. In the second half no daemon is
 * ended.
 */
export async function disturb(
  target: Target,
  parts: Omit<DisturbanceParts, "random">,
  { seed, seconds, disturbances, findings }: DisturbSettings,
): Promise<void> {
  const random = new Random(seed, target.name);
  const began = performance.now();
  const share = (): number => (performance.now() - began) / 1000 / seconds;
  while (share() < 1) {
    await delay(random.between(...PAUSE_MS));
    const possible = disturbances.filter(
      ({ appliesTo, endsDaemon = false }) => appliesTo(target) && (!endsDaemon || share() < 0.5),
    );
    const { name, act } = pickByWeight(possible, random);
    const own = new Random(seed, `${target.name} ${Math.floor(random.next() * 2 ** 32)}`);
    try {
      const did = await act(target, { ...parts, random: own });
      if (did !== false) findings.count(`${target.name}: ${name}`);
    } catch (error) {
      findings.violation(`${target.name}, ${name}: ${(error as Error).message}`);
    }
    await keepRunning(target, findings);
    findings.most(`${target.name}: MiB resident at most`, await residentMebibytes(target));
  }
}

/** Starts a daemon again that has ended by itself, or has not started. */
async function keepRunning(target: Target, findings: Findings): Promise<void> {
  if (target.isRunning) return;
  const { exitCode, signalCode } = target.daemon.child;
  findings.violation(`${target.name} has ended by itself: ${exitCode ?? signalCode}`);
  try {
    await target.start();
  } catch (error) {
    findings.violation(`${target.name} does not start: ${(error as Error).message}`);
  }
}

async function residentMebibytes({ daemon }: Target): Promise<number> {
  const status = await readFile(`/proc/${daemon.pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

function pickByWeight(disturbances: readonly Disturbance[], random: Random): Disturbance {
  return random.pick(
    disturbances.flatMap((each) => Array.from({ length: each.weight }, () => each)),
  );
}
