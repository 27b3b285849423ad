import { wallClock } from "@jobctl/daemon/clock";
import { JobctlError } from "@jobctl/protocol/error";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const BYTES = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const;

/** A timer of Node.js that is to wait longer does not wait at all. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const LONGEST_DURATION_SECONDS = 100 * 365 * SECONDS.d;

/**
 * Seconds from `90`, `90s`, `1h30m` or `2d`, up to a hundred years.
 *
 * @throws JobctlError `usage`
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (/^(\d+|(\d+[smhd])+)$/.test(trimmed)) {
    const parts = trimmed.matchAll(/(\d+)([smhd]?)/g);
    const seconds = [...parts].reduce(
      (sum, [, count, unit]) =>
        sum + Number(count) * SECONDS[(unit || "s") as keyof typeof SECONDS],
      0,
    );
    if (seconds <= LONGEST_DURATION_SECONDS) return seconds;
  }
  throw new JobctlError("usage", `${JSON.stringify(text)} is not a duration`, {
    hint: "Write it like 90s, 15m, 1h30m or 2d.",
  });
}

/**
 * The instant of `2026-11-20`, `2026-11-20T08:00:00Z` or, before now, of `2h`, as ISO 8601.
 *
 * @throws JobctlError `usage`
 */
export function parseSince(text: string): string {
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : wallClock() - parseDuration(text) * 1000;
  if (Number.isNaN(at))
    throw new JobctlError("usage", `${JSON.stringify(text)} is not a time`, {
      hint: "Write it like 2026-11-20, 2026-11-20T08:00:00Z or 2h.",
    });
  return new Date(at).toISOString();
}

/**
 * Bytes from `1048576`, `512M` or `4G` (powers of 1024, with or without a B or iB behind).
 *
 * @throws JobctlError `usage`
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  if (match === null) {
    throw new JobctlError("usage", `${JSON.stringify(text)} is not a size`, {
      hint: "Write it like 512M or 4G.",
    });
  }
  const unit = (match[2] ?? "").toUpperCase();
  return Math.round(Number(match[1]) * (unit === "" ? 1 : BYTES[unit as keyof typeof BYTES]));
}

/** `1.5 GiB`, for people. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1 job`, `2 jobs`. */
export function formatCount(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** `45s`, `2m 5s`, `3h 12m`, `4d 1h`, for people. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`;
}

/** Seconds since an instant, by the clock of this machine; 0 for one that is still to come. */
export function secondsSince(instant: string): number {
  return Math.max(0, wallClock() - Date.parse(instant)) / 1000;
}
