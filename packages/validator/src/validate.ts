import { Analysis, type Finding } from "./analyze.js";
import { Budget, BudgetExceeded } from "./budget.js";
import { withoutMarkers } from "./characters.js";
import { SEVERITIES, type Diagnostic, type Report, type Severity } from "./diagnostic.js";
import { LineTable } from "./line-table.js";
import { parseBash } from "./parse.js";
import { normalizePath } from "./paths.js";
import { DEFAULT_POLICY, blocks, severityOf, type Policy } from "./policy.js";
import type { RuleId } from "./rules/index.js";
import { ruleOf } from "./rules/registry.js";

/** Largest script that is looked at, in bytes. */
export const MAX_SCRIPT_BYTES = 1024 * 1024;
const MAX_STEPS = 3_000_000;
const MAX_MS = 1500;
const MAX_DIAGNOSTICS = 100;
const MAX_SHOWN = 200;

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
): Report {
  const { findings } = findAll(content, new Budget(MAX_STEPS, MAX_MS));
  return toReport(findings, content, file, policy);
}

/** Most files of one job that are looked at. */
const MAX_FILES = 50;

/**
 * Checks a script and the shell scripts of the same job that it runs, and those that they run.
 *
 * @param read content of a file of the job by its relative path; null when there is none
 * @returns a report for each, the first script's first
 */
export function validateJob(
  script: string,
  read: (path: string) => Uint8Array | null,
  policy: Policy = DEFAULT_POLICY,
): Report[] {
  const reports: Report[] = [];
  const open = new Set([script]);
  // One budget for all of them: many files are not to take longer than one.
  const budget = new Budget(MAX_STEPS, MAX_MS);
  let totalBytes = 0;
  // A set that is added to while it is walked hands out what is new as well.
  for (const file of open) {
    const content = read(file);
    if (content === null || (file !== script && !isShellScript(file, content))) continue;
    if (reports.length >= MAX_FILES) {
      const { findings } = only("BUDGET", `the job runs more than ${MAX_FILES} scripts`);
      reports.push(toReport(findings, content, file, policy));
      break;
    }
    totalBytes += content.length;
    const { findings, calledScripts } =
      totalBytes > MAX_SCRIPT_BYTES ? tooLarge() : findAll(content, budget);
    reports.push(toReport(findings, content, file, policy));
    for (const called of calledScripts) {
      const path = normalizePath(called);
      if (path !== "" && !path.startsWith("/") && !path.startsWith("..")) open.add(path);
    }
  }
  return reports;
}

/** By its first line, or without one by its name. */
function isShellScript(file: string, content: Uint8Array): boolean {
  const start = Buffer.from(content.subarray(0, 100)).toString("latin1");
  const [firstLine = ""] = start.split("\n", 1);
  if (firstLine.startsWith("#!")) return /\b(ba|da|k|z)?sh\b/.test(firstLine);
  return /\.(sh|bash)$/.test(file);
}

interface Found {
  readonly findings: readonly Finding[];
  readonly calledScripts: ReadonlySet<string>;
}

function toReport(
  findings: readonly Finding[],
  content: Uint8Array,
  file: string,
  policy: Policy,
): Report {
  const text = Buffer.from(content.subarray(0, MAX_SCRIPT_BYTES)).toString("utf8");
  const lines = new LineTable(text);
  const allowances = findAllowances(text);
  const diagnostics = findings
    .flatMap((finding) => toDiagnostic(finding, lines, policy))
    .map((diagnostic) => lowered(diagnostic, allowances, policy))
    .toSorted((a, b) => a.offset - b.offset || a.rule.localeCompare(b.rule));
  const count = (severity: Severity): number =>
    diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
  return {
    schema: 1,
    file,
    verdict: diagnostics.some(({ severity }) => blocks(severity, policy)) ? "reject" : "accept",
    profile: policy.profile,
    counts: { error: count("error"), warning: count("warning"), info: count("info") },
    diagnostics: diagnostics
      .toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
      .slice(0, MAX_DIAGNOSTICS)
      .toSorted((a, b) => a.offset - b.offset),
  };
}

function findAll(content: Uint8Array, budget: Budget): Found {
  if (content.length > MAX_SCRIPT_BYTES) return tooLarge();
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return only("ENCODING", "it is not UTF-8");
  }
  if (text.includes("\0")) return only("ENCODING", "it has a NUL character");
  try {
    return analyzeText(text, budget);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return only(
      "BUDGET",
      error instanceof BudgetExceeded ? reason : `it cannot be checked: ${reason}`,
    );
  }
}

function analyzeText(text: string, budget: Budget): Found {
  const findings: Finding[] = [];
  const shebang = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text);
  const interpreter = shebang?.[1]?.endsWith("/env") === true ? shebang[2] : shebang?.[1];
  if (interpreter !== undefined && !/(^|\/)(ba|da)?sh$/.test(interpreter)) {
    findings.push(whole("SHEBANG", `its first line names ${interpreter}`));
  }
  const crlf = text.indexOf("\r\n");
  if (crlf !== -1) findings.push({ ...whole("CRLF", "its lines end in CR LF"), pos: crlf });
  const { script, problem } = parseBash(withoutMarkers(text).replace(/\r(?=\n)/g, " "));
  if (script === null) {
    const place = { pos: problem.offset, end: problem.offset + 1 };
    return {
      findings: [...findings, { ...whole("PARSE", problem.message), ...place }],
      calledScripts: new Set(),
    };
  }
  const analysis = new Analysis(budget);
  analysis.run(script);
  return { findings: [...findings, ...analysis.findings], calledScripts: analysis.calledScripts };
}

function tooLarge(): Found {
  return only(
    "SIZE",
    `it, or all scripts of the job together, have more than ${MAX_SCRIPT_BYTES} bytes`,
  );
}

function only(rule: RuleId, message: string): Found {
  return { findings: [whole(rule, message)], calledScripts: new Set() };
}

/** A finding about the file as a whole. */
function whole(rule: RuleId, message: string): Finding {
  return { rule, severity: null, message, pos: 0, end: 0, resolved: "", trace: [] };
}

function toDiagnostic(finding: Finding, lines: LineTable, policy: Policy): Diagnostic[] {
  const rule = ruleOf(finding.rule);
  const severity = severityOf(rule, finding.severity ?? rule.severity, finding.resolved, policy);
  if (severity === null) return [];
  const start = lines.place(finding.pos);
  const end = lines.place(finding.end);
  return [
    {
      rule: rule.id,
      severity,
      category: rule.family,
      line: start.line,
      column: start.column,
      endLine: end.line,
      endColumn: end.column,
      offset: finding.pos,
      message: finding.message,
      resolved: cut(finding.resolved),
      source: cut(lines.line(start.line)),
      trace: finding.trace,
      fix: rule.fix,
      doc: `docs/validation.md#${rule.id.toLowerCase()}`,
    },
  ];
}

/** What comments of the script ask to be let through, with the reasons: `# jobctl: allow RULE -- reason`. */
function findAllowances(text: string): ReadonlyMap<string, string> {
  const comments = text.matchAll(/^\s*#\s*jobctl:\s*allow\s+([A-Z][A-Z-]+)\s+--\s*(\S.*)$/gm);
  return new Map([...comments].map(([, rule = "", reason = ""]) => [rule, reason.trim()]));
}

/** A script may explain a warning, which is then only noted; never an error, and not where all is to block. */
function lowered(
  diagnostic: Diagnostic,
  allowances: ReadonlyMap<string, string>,
  policy: Policy,
): Diagnostic {
  const reason = allowances.get(diagnostic.rule);
  if (reason === undefined || diagnostic.severity !== "warning" || policy.profile === "strict")
    return diagnostic;
  return {
    ...diagnostic,
    severity: "info",
    message: `${diagnostic.message} (the script says why: ${cut(reason)})`,
  };
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
