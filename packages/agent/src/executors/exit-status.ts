import { constants } from "node:os";

import type { Exit } from "./executor.js";

/** Signals that end a process unless it handles them. */
const DEADLY = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGKILL",
  "SIGUSR1",
  "SIGSEGV",
  "SIGUSR2",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGSYS",
] as const;
const SIGNALS = new Map<number, string>(DEADLY.map((name) => [constants.signals[name], name]));

/**
 * How the main process of a job ended. bubblewrap passes on its death by a signal as a shell does, as exit code
 * 128+n, so a job that ends itself with such a code is taken for killed.
 */
export function decodeExit(exitCode: number | null, signal: string | null): Omit<Exit, "begun"> {
  const name = exitCode === null ? undefined : SIGNALS.get(exitCode - 128);
  return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name };
}
