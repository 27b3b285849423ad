import { ATTEMPT_STATUSES } from "@jobctl/protocol";

import type { Db } from "./database.js";

/** Sums over the jobs of one user, among those that were looked at. */
export interface UserSums {
  readonly tenant: string;
  readonly user: string;
  readonly jobs: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly queued: number;
  readonly active: number;
  readonly inputBytes: number;
  readonly resultBytes: number;
  /** Of jobs that were submitted after `recentSince`. */
  readonly recentBytes: number;
}

export interface UsageTimes {
  /** `jobs` and seconds are of jobs that were submitted at this time or later, in ms since 1970. */
  readonly since: number;
  readonly recentSince: number;
}

export type UsageStore = ReturnType<typeof createUsageStore>;

export function createUsageStore(db: Db) {
  const selectRange = db.prepare<
    [],
    { first: number | null; last: number | null; firstAt: number | null }
  >(
    `SELECT (SELECT min(id) FROM jobs) AS first, (SELECT max(id) FROM jobs) AS last,
       (SELECT submitted_at FROM jobs ORDER BY id LIMIT 1) AS firstAt`,
  );
  const active = ATTEMPT_STATUSES.map((status) => `'${status}'`).join(", ");
  const selectSums = db.prepare<UsageTimes & { from: number; to: number }, UserSums>(
    `SELECT tenant, user,
       sum(submitted_at >= @since) AS jobs,
       sum(iif(submitted_at >= @since, ifnull(cpu_seconds, 0), 0)) AS cpuSeconds,
       sum(iif(submitted_at >= @since, ifnull(runtime_seconds, 0), 0)) AS wallSeconds,
       sum(status = 'queued') AS queued,
       sum(status IN (${active})) AS active,
       sum(input_size_bytes) AS inputBytes,
       sum(ifnull(result_size_bytes, 0)) AS resultBytes,
       sum(iif(submitted_at >= @recentSince, input_size_bytes + ifnull(result_size_bytes, 0), 0))
         AS recentBytes
     FROM jobs NOT INDEXED WHERE id BETWEEN @from AND @to GROUP BY tenant, user`,
  );
  return {
    /** First and last id, and when the first of all jobs was submitted; null without jobs. */
    range(): { first: number; last: number; firstAt: number } | null {
      const { first, last, firstAt } = selectRange.get() ?? {};
      return first == null || last == null || firstAt == null ? null : { first, last, firstAt };
    },

    /** Sums over the jobs with these ids. */
    sums(from: number, to: number, times: UsageTimes): UserSums[] {
      return selectSums.all({ from, to, ...times });
    },
  };
}
