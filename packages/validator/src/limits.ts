/**
 * How much of anything is looked at. Whatever has more is rejected: an error `SIZE` or `BUDGET` says which limit it
 * is. All of them count, and none measures time: a slow machine must not reject what a fast one accepts.
 */
export const LIMITS = {
  /** Bytes of a script, and of all scripts of a job together. */
  scriptBytes: 1024 * 1024,
  /** Scripts of one job. */
  scripts: 50,
  /** Paths that the scripts of a job run, and that are looked for among its files. */
  paths: 2000,
  /** Steps for all scripts of a job: visits of nodes, pieces of words, 64 characters of worked-out text. */
  steps: 800_000,
  /** Commands of one pipe. */
  pipeCommands: 200,
  /** Here-documents that are waiting for their text at the end of a line. */
  waitingDocuments: 100,
  /** Characters of the directory's path that `cd` leads to. */
  pathLength: 4096,
  /** Findings that are collected in one script. */
  findings: 2000,
} as const;

/** Findings of a script that a report shows, errors first. The verdict counts all of them. */
export const MAX_SHOWN_FINDINGS = 100;

/** Characters of a command that are kept with a finding; a longer one is cut, and has a mark behind them. */
export const MAX_RESOLVED = 10_000;
