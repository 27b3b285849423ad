import { Analysis, type Finding } from "./analyze.js";
import { Budget, BudgetExceeded } from "./budget.js";
import { withoutMarkers } from "./characters.js";
import type { Diagnostic, Report, Severity } from "./diagnostic.js";
import { LineTable } from "./line-table.js";
import { parseBash } from "./parse.js";
import { DEFAULT_POLICY, blocks, severityOf, type Policy } from "./policy.js";
import { ruleOf, type RuleId } from "./rules/catalogue.js";

/** Largest script that is looked at, in bytes. */
export const MAX_SCRIPT_BYTES = 1024 * 1024;
const MAX_STEPS = 200_000;
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
  const findings = findAll(content);
  const text = Buffer.from(content.subarray(0, MAX_SCRIPT_BYTES)).toString("utf8");
  const lines = new LineTable(text);
  const diagnostics = findings
    .flatMap((finding) => toDiagnostic(finding, lines, policy))
    .toSorted((a, b) => a.offset - b.offset || a.rule.localeCompare(b.rule))
    .slice(0, MAX_DIAGNOSTICS);
  const count = (severity: Severity): number =>
    diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
  return {
    schema: 1,
    file,
    verdict: diagnostics.some(({ severity }) => blocks(severity, policy)) ? "reject" : "accept",
    profile: policy.profile,
    counts: { error: count("error"), warning: count("warning"), info: count("info") },
    diagnostics,
  };
}

function findAll(content: Uint8Array): Finding[] {
  if (content.length > MAX_SCRIPT_BYTES)
    return [whole("SIZE", `it has ${content.length} bytes, the limit is ${MAX_SCRIPT_BYTES}`)];
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return [whole("ENCODING", "it is not UTF-8")];
  }
  if (text.includes("\0")) return [whole("ENCODING", "it has a NUL character")];
  try {
    return analyzeText(text);
  } catch (error) {
    const message =
      error instanceof BudgetExceeded
        ? error.message
        : `it cannot be checked: ${(error as Error).message}`;
    return [whole("BUDGET", message)];
  }
}

function analyzeText(text: string): Finding[] {
  const findings: Finding[] = [];
  const shebang = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text);
  const interpreter = shebang?.[1]?.endsWith("/env") === true ? shebang[2] : shebang?.[1];
  if (interpreter !== undefined && !/(^|\/)(ba|da)?sh$/.test(interpreter)) {
    findings.push(whole("SHEBANG", `its first line names ${interpreter}`));
  }
  if (/\r\n/.test(text))
    findings.push({ ...whole("CRLF", "its lines end in CR LF"), pos: text.indexOf("\r\n") });
  const source = withoutMarkers(text).replace(/\r(?=\n)/g, " ");
  const { script, problem } = parseBash(source);
  if (script === null) {
    return [
      ...findings,
      { ...whole("PARSE", problem.message), pos: problem.offset, end: problem.offset + 1 },
    ];
  }
  const analysis = new Analysis(new Budget(MAX_STEPS, MAX_MS));
  analysis.run(script);
  return [...findings, ...analysis.findings];
}

/** A finding about the file as a whole. */
function whole(rule: RuleId, message: string): Finding {
  return { rule, severity: null, message, pos: 0, end: 0, resolved: "", trace: [] };
}

function toDiagnostic(finding: Finding, lines: LineTable, policy: Policy): Diagnostic[] {
  const rule = ruleOf(finding.rule);
  const severity = severityOf(rule, finding.severity ?? rule.severity, policy);
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

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
