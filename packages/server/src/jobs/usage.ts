import { setImmediate as nextTurn } from "node:timers/promises";

import type { UsageReport, UsageQuery, UserUsage } from "@jobctl/protocol";

import type { BlobStore } from "../blobs/blob-store.js";
import type { UsageTimes, UserSums } from "../store/usage-store.js";
import type { Store } from "../store/store.js";

/** Jobs that are looked at in one go: some milliseconds, between which requests are served. */
const JOBS_AT_ONCE = 2000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** The time from which it is concluded how fast the disk fills. */
const RECENT_DAYS = 7;

export interface UsageParts {
  readonly store: Store;
  readonly blobs: BlobStore;
}

/** Who uses the server how much, and how long its disk will last. */
export async function measureUsage(
  parts: UsageParts,
  query: UsageQuery,
  now: number,
): Promise<UsageReport> {
  const { store, blobs } = parts;
  const range = store.usage.range();
  const times = {
    since: query.since === undefined ? 0 : Date.parse(query.since),
    recentSince: now - RECENT_DAYS * DAY_MS,
  };
  const users = range === null ? [] : await sumOfAll(parts, range, times);
  const recentBytes = users.reduce((sum, user) => sum + user.recentBytes, 0);
  const days = range === null ? 0 : Math.min(RECENT_DAYS, (now - range.firstAt) / DAY_MS);
  const bytesPerDay = days < 1 ? null : Math.round(recentBytes / days);
  const freeBytes = await blobs.freeBytes();
  const spareBytes = Math.max(0, freeBytes - blobs.reserveBytes);
  return {
    schema: "jobctl.usage/v1",
    since: query.since ?? null,
    items: users
      .filter(({ user }) => query.user === undefined || user === query.user)
      .toSorted((a, b) => b.cpuSeconds - a.cpuSeconds || b.jobs - a.jobs)
      .map(withoutRecent),
    nextCursor: null,
    storage: {
      databaseBytes: store.size(),
      blobBytes: blobs.stored?.sizeBytes ?? null,
      blobs: blobs.stored?.count ?? null,
      freeBytes,
      reserveBytes: blobs.reserveBytes,
      bytesPerDay,
      daysLeft: bytesPerDay === null || bytesPerDay === 0 ? null : spareBytes / bytesPerDay,
    },
  };
}

function withoutRecent(sums: UserSums): UserUsage {
  const usage: UserUsage & { recentBytes?: number } = { ...sums };
  delete usage.recentBytes;
  return usage;
}

async function sumOfAll(
  { store }: UsageParts,
  range: { first: number; last: number },
  times: UsageTimes,
): Promise<UserSums[]> {
  const users = new Map<string, UserSums>();
  for (let from = range.first; from <= range.last; from += JOBS_AT_ONCE) {
    const to = Math.min(range.last, from + JOBS_AT_ONCE - 1);
    for (const sums of store.usage.sums(from, to, times)) {
      const key = JSON.stringify([sums.tenant, sums.user]);
      users.set(key, added(users.get(key), sums));
    }
    await nextTurn();
  }
  return [...users.values()];
}

function added(one: UserSums | undefined, other: UserSums): UserSums {
  if (one === undefined) return other;
  return {
    tenant: one.tenant,
    user: one.user,
    jobs: one.jobs + other.jobs,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    wallSeconds: one.wallSeconds + other.wallSeconds,
    queued: one.queued + other.queued,
    active: one.active + other.active,
    inputBytes: one.inputBytes + other.inputBytes,
    resultBytes: one.resultBytes + other.resultBytes,
    recentBytes: one.recentBytes + other.recentBytes,
  };
}
