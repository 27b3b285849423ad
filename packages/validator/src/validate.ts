import { Analysis } from "./analyze.js";
import { Budget, BudgetExceeded } from "./budget.js";
import type { Report } from "./diagnostic.js";
import type { Finding } from "./findings.js";
import { LIMITS } from "./limits.js";
import { parseBash } from "./parse.js";
import { normalizePath } from "./paths.js";
import { DEFAULT_POLICY, type Policy } from "./policy.js";
import { toReport } from "./report.js";
import { OWN_CATALOGUE, type Catalogue } from "./rules/registry.js";
import { TOO_LARGE, readScriptText, wholeFile } from "./script-text.js";
import { isShellScriptFile } from "./shell-script-file.js";

/**
 * Checks a script. It reads text and runs nothing, and it never throws: what it cannot understand it
 * rejects. It is a sanity check and not a sandbox: programs that the script runs are opaque to it.
 *
 * @param content the bytes of the file
 * @param file its name, for the report
 */
export function validate(
  content: Uint8Array,
  file: string,
  policy: Policy = DEFAULT_POLICY,
  rules: Catalogue = OWN_CATALOGUE,
): Report {
  const { findings } = findAll(content, new Budget(LIMITS.steps), rules);
  return toReport(findings, content, file, policy, rules);
}

/** Hands out the content of a file of a job by its relative path; null when there is none. */
export type ReadFile = (path: string) => Uint8Array | null;

/**
 * Checks a script and the shell scripts of the same job that it runs, and those that they run.
 *
 * @returns a report for each, the first script's first; none when there is no such script
 */
export function validateJob(
  script: string,
  read: ReadFile,
  policy: Policy = DEFAULT_POLICY,
  rules: Catalogue = OWN_CATALOGUE,
): Report[] {
  const check = checkJob(script, policy, rules);
  let step = check.next();
  while (step.done !== true) step = check.next(read(step.value));
  return step.value;
}

/**
 * The same for whoever reads files in another way: it asks for one path after the other, and is given the content,
 * or null.
 */
export function* checkJob(
  script: string,
  policy: Policy,
  rules: Catalogue = OWN_CATALOGUE,
): Generator<string, Report[], Uint8Array | null> {
  const reports: Report[] = [];
  const open = new Set([script]);
  // One budget for all of them: many files are not to take longer than one.
  const budget = new Budget(LIMITS.steps);
  let totalBytes = 0;
  // A set that is added to while it is walked hands out what is new as well.
  for (const file of open) {
    const content = yield file;
    if (content === null || (file !== script && !isShellScriptFile(file, content))) continue;
    totalBytes += content.length;
    const found = reachedLimit(reports.length, totalBytes) ?? findAll(content, budget, rules);
    const paths = found.calledScripts.map(normalizePath).filter(isInJob);
    const findings = [...found.findings];
    for (const path of paths) {
      if (open.has(path)) continue;
      if (open.size < LIMITS.paths) open.add(path);
      else {
        findings.push(tooMuch(`the scripts of the job run more than ${LIMITS.paths} files of it`));
        break;
      }
    }
    reports.push(toReport(findings, content, file, policy, rules));
    if (reports.length > LIMITS.scripts || totalBytes > LIMITS.scriptBytes) break;
  }
  return reports;
}

interface Found {
  readonly findings: readonly Finding[];
  /** Paths of scripts that this one runs, as it names them. */
  readonly calledScripts: readonly string[];
}

/** What is wrong with a further script whatever it holds; null when nothing is. */
function reachedLimit(scripts: number, totalBytes: number): Found | null {
  if (scripts >= LIMITS.scripts)
    return only(tooMuch(`the job has more than ${LIMITS.scripts} scripts that run each other`));
  return totalBytes > LIMITS.scriptBytes ? only(wholeFile("SIZE", TOO_LARGE)) : null;
}

const isInJob = (path: string): boolean =>
  path !== "" && !path.startsWith("/") && !path.startsWith("..");

const tooMuch = (message: string): Finding => wholeFile("BUDGET", message);

const only = (finding: Finding): Found => ({ findings: [finding], calledScripts: [] });

/** What is found in one script. Whatever goes wrong on the way is found as well. */
function findAll(content: Uint8Array, budget: Budget, rules: Catalogue): Found {
  const { text, findings } = readScriptText(content);
  if (text === null) return { findings, calledScripts: [] };
  const analysis = new Analysis(budget, rules.set);
  const problem = analyze(text, analysis, budget);
  return {
    findings: [...findings, ...analysis.findings, ...(problem === null ? [] : [problem])],
    calledScripts: [...analysis.calledScripts],
  };
}

function analyze(text: string, analysis: Analysis, budget: Budget): Finding | null {
  try {
    const { script, problem } = parseBash(text, budget);
    if (script === null) {
      const place = { pos: problem.offset, end: problem.offset + 1 };
      return { ...wholeFile("PARSE", problem.message), ...place };
    }
    analysis.run(script);
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return tooMuch(error instanceof BudgetExceeded ? reason : `it cannot be checked: ${reason}`);
  }
}
