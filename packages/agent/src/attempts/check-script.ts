import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

import { MAX_FINDINGS, MAX_FINDINGS_BYTES, RUN_SCRIPT, type Finding } from "@jobctl/protocol";
import {
  LIMITS,
  SCRIPT_START_BYTES,
  isShellScriptFile,
  type Policy,
  type Report,
  type ScriptChecker,
} from "@jobctl/validator/checker";

export interface ScriptCheck {
  readonly accepted: boolean;
  readonly findings: Finding[];
}

/** The job whose scripts are checked. */
interface CheckedJob {
  /** Where it has been unpacked: no link in it leads out of it. */
  readonly workspace: string;
  readonly policy: Policy;
  readonly signal: AbortSignal;
}

/**
 * Checks run.sh, and the scripts of the job that it runs, against what jobs of its service may do.
 *
 * @throws Error when they cannot be checked here, whatever they hold; the reason of the signal when it is aborted
 */
export async function checkScripts(
  checker: ScriptChecker,
  { workspace, policy, signal }: CheckedJob,
): Promise<ScriptCheck> {
  const read = (path: string): Uint8Array | null => readScript(workspace, path);
  const reports = await checker.check({ script: RUN_SCRIPT, read, policy, signal });
  return {
    accepted: reports.length > 0 && reports.every(({ verdict }) => verdict === "accept"),
    findings: limitFindings(reports.flatMap(toFindings)),
  };
}

/** Longest line of a script that a finding quotes, in characters. */
const MAX_SOURCE = 500;

/**
 * As many findings as a report has room for, errors before all others: a script of a few megabytes can
 * cause a hundred thousand, and the server refuses a report that is longer.
 */
export function limitFindings(findings: readonly Finding[]): Finding[] {
  const kept = new Set<Finding>();
  let sizeBytes = 0;
  const short = findings.map((finding) => ({
    ...finding,
    source: finding.source?.slice(0, MAX_SOURCE) ?? null,
  }));
  const isError = ({ severity }: Finding): boolean => severity === "error";
  for (const finding of [...short.filter(isError), ...short.filter((one) => !isError(one))]) {
    sizeBytes += Buffer.byteLength(JSON.stringify(finding));
    if (sizeBytes > MAX_FINDINGS_BYTES || kept.size >= MAX_FINDINGS) break;
    kept.add(finding);
  }
  return short.filter((finding) => kept.has(finding));
}

/** Why a script was rejected, in one line. */
export function describeRejection(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
  return `${first?.file ?? RUN_SCRIPT}:${first?.line ?? 1}: ${first?.message ?? "it was rejected"} (${first?.rule ?? "policy"})${more}`;
}

/**
 * A script of the job; null of what is none, which is not read any further than its beginning. At most one byte more
 * than a script may have: it is rejected for that, not read to its end.
 */
function readScript(workspace: string, path: string): Uint8Array | null {
  let descriptor: number;
  try {
    descriptor = openSync(join(workspace, path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return null;
    const start = Buffer.alloc(SCRIPT_START_BYTES);
    const startBytes = readSync(descriptor, start, 0, start.length, 0);
    if (path !== RUN_SCRIPT && !isShellScriptFile(path, start.subarray(0, startBytes))) return null;
    const content = Buffer.alloc(Math.min(stat.size, LIMITS.scriptBytes + 1));
    return content.subarray(0, readSync(descriptor, content, 0, content.length, 0));
  } catch {
    return null;
  } finally {
    closeSync(descriptor);
  }
}

function toFindings({ file, diagnostics }: Report): Finding[] {
  return diagnostics.map((found) => ({
    rule: found.rule,
    file,
    severity: found.severity,
    line: found.line,
    column: found.column,
    endColumn: found.endLine === found.line ? found.endColumn : null,
    source: found.source,
    message: found.message,
    hint: found.fix,
  }));
}
