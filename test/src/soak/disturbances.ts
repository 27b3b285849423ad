import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Job } from "@jobctl/protocol";

import { findProcesses, killProcess } from "../support/processes.js";
import { rot } from "../support/rot.js";
import type { Ledger } from "./ledger.js";
import type { Random } from "./random.js";
import { DEAD_SECONDS, type Stage } from "./stage.js";
import type { Talk } from "./talk.js";
import type { Target } from "./target.js";

export interface DisturbanceParts {
  readonly stage: Stage;
  readonly talk: Talk;
  readonly ledger: Ledger;
  readonly random: Random;
}

export interface Disturbance {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  /** Whether it ends a daemon: what daemons gather shows only in those that live. */
  readonly endsDaemon?: boolean;
  readonly appliesTo: (target: Target) => boolean;
  /** @returns whether there was anything to disturb */
  readonly act: (target: Target, parts: DisturbanceParts) => Promise<boolean | void>;
}

const always = (): boolean => true;
const HOUR_SECONDS = 3600;
/** Longer than until a silent agent is lost. */
const LONG_MS = [(DEAD_SECONDS + 3) * 1000, (DEAD_SECONDS + 7) * 1000] as const;
const SHORT_MS = [200, 2000] as const;

export const DISTURBANCES: readonly Disturbance[] = [
  {
    name: "killed",
    weight: 4,
    endsDaemon: true,
    appliesTo: always,
    act: (target, { random }) => restart(target, "SIGKILL", random.between(0, 2000)),
  },
  {
    name: "killed, away for long",
    weight: 1,
    endsDaemon: true,
    appliesTo: ({ isServer }) => !isServer,
    act: (target, { random }) => restart(target, "SIGKILL", random.between(...LONG_MS)),
  },
  {
    name: "terminated",
    weight: 1,
    endsDaemon: true,
    appliesTo: always,
    act: (target, { random }) => restart(target, "SIGTERM", random.between(0, 1000)),
  },
  {
    name: "stopped for short",
    weight: 2,
    appliesTo: always,
    act: (target, { random }) => pause(target, random.between(...SHORT_MS)),
  },
  {
    name: "stopped for long",
    weight: 1,
    appliesTo: always,
    act: (target, { random }) => pause(target, random.between(...LONG_MS)),
  },
  {
    name: "link cut for short",
    weight: 2,
    appliesTo: always,
    act: (target, { random }) => cut(target, random.between(...SHORT_MS)),
  },
  {
    name: "link cut for long",
    weight: 1,
    appliesTo: always,
    act: (target, { random }) => cut(target, random.between(...LONG_MS)),
  },
  {
    name: "connections reset",
    weight: 2,
    appliesTo: always,
    act: async ({ link }) => link.reset(),
  },
  {
    name: "connections half closed",
    weight: 2,
    appliesTo: always,
    act: async ({ link }) => link.halfClose(),
  },
  {
    name: "link delayed",
    weight: 2,
    appliesTo: always,
    act: async ({ link }, { random }) => {
      link.hold();
      await delay(random.between(500, 4000));
      link.release();
    },
  },
  {
    name: "clock set by an hour",
    weight: 2,
    appliesTo: ({ clock }) => clock !== null,
    act: async ({ clock }, { random }) => {
      const offset = random.pick([-HOUR_SECONDS, 0, HOUR_SECONDS]);
      await clock?.set(offset + random.between(-5, 5));
    },
  },
  {
    name: "volume full",
    weight: 2,
    appliesTo: ({ volume }) => volume !== null,
    act: async ({ volume }, { random }) => {
      await volume?.fill();
      await delay(random.between(500, 4000));
      await volume?.makeRoom();
    },
  },
  {
    name: "process of a job killed",
    weight: 3,
    appliesTo: ({ isServer }) => !isServer,
    act: killJobProcess,
  },
  {
    name: "garbage collected",
    weight: 1,
    appliesTo: ({ isServer }) => isServer,
    act: async (_, { talk }) => {
      const headers = { "content-type": "application/json" };
      const body = Buffer.from("{}");
      return (await talk.call("/v1/admin/gc", { method: "POST", headers, body }))?.status === 200;
    },
  },
  {
    name: "input damaged",
    weight: 3,
    appliesTo: ({ isServer }) => isServer,
    act: (_, parts) => damage("input", parts),
  },
  {
    name: "result damaged",
    weight: 2,
    appliesTo: ({ isServer }) => isServer,
    act: (_, parts) => damage("result", parts),
  },
];

async function restart(
  target: Target,
  signal: "SIGKILL" | "SIGTERM",
  awayMs: number,
): Promise<void> {
  await target.daemon.end(signal);
  await delay(awayMs);
  await target.start();
}

async function pause({ daemon }: Target, ms: number): Promise<void> {
  daemon.child.kill("SIGSTOP");
  await delay(ms);
  daemon.child.kill("SIGCONT");
}

async function cut({ link }: Target, ms: number): Promise<void> {
  link.cut();
  await delay(ms);
  link.heal();
}

/** Kills one of the processes that jobs have started, the script itself or another. */
async function killJobProcess(
  { dataPath }: Target,
  { ledger, random }: DisturbanceParts,
): Promise<boolean> {
  const pids = await findProcesses(join(dataPath, "attempts"));
  if (pids.length === 0) return false;
  const pid = random.pick(pids);
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  const [, id] = /(?:^|\0)JOBCTL_JOB_ID=(\d+)\0/.exec(environment) ?? [];
  const entry = ledger.get(Number(id));
  if (entry === undefined) return false;
  entry.struck = true;
  return killProcess(pid);
}

/** Changes a byte of the input of a job that waits, or of the result of one that has ended. */
async function damage(
  kind: "input" | "result",
  { stage, talk, ledger, random }: DisturbanceParts,
): Promise<boolean> {
  const states = kind === "input" ? "queued" : "completed,failed";
  const list = await talk.json<{ items: Job[] }>(`/v1/jobs?state=${states}&limit=50`);
  const whole = (list?.items ?? []).filter(({ id }) => ledger.get(id)?.damaged === null);
  if (whole.length === 0) return false;
  const job = random.pick(whole);
  const entry = ledger.get(job.id);
  const blob = job[kind];
  if (entry === undefined || blob === null) return false;
  entry.damaged = kind;
  await rot(stage.cluster.blobPath(blob.sha256), Math.floor(random.between(0, blob.sizeBytes)));
  return true;
}
