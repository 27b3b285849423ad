/** The script that a job is. */
export const RUN_SCRIPT = "run.sh";

/** Folder at the top of every result that holds what jobctl itself adds. Refused in an input. */
export const RESERVED_FOLDER = ".jobctl";

export const STDOUT_FILE = `${RESERVED_FOLDER}/stdout.log`;
export const STDERR_FILE = `${RESERVED_FOLDER}/stderr.log`;
export const REPORT_FILE = `${RESERVED_FOLDER}/report.json`;

export type LogStream = "stdout" | "stderr";

export function logFile(stream: LogStream): string {
  return stream === "stdout" ? STDOUT_FILE : STDERR_FILE;
}
