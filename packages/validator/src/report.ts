import { findAllowances } from "./allowances.js";
import { readable } from "./characters.js";
import type { Diagnostic, Report, Severity } from "./diagnostic.js";
import { cut, type Finding } from "./findings.js";
import { LIMITS, MAX_SHOWN_FINDINGS } from "./limits.js";
import { LineTable } from "./line-table.js";
import { blocks, severityOf, type Policy } from "./policy.js";
import type { Catalogue } from "./rules/registry.js";

const MAX_TEXT = 200;
const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** A finding with what the policy and the script make of it. */
interface Judged {
  readonly finding: Finding;
  readonly severity: Severity;
  /** Why the script lets it through, if it says so. */
  readonly reason: string | null;
}

/**
 * The report about a script. Verdict and counts are of all findings; of more than can be shown the errors come
 * first.
 */
export function toReport(
  findings: readonly Finding[],
  content: Uint8Array,
  file: string,
  policy: Policy,
  rules: Catalogue,
): Report {
  const text = Buffer.from(content.subarray(0, LIMITS.scriptBytes)).toString("utf8");
  const judged = withoutRepeats(judge(findings, findAllowances(text), policy, rules));
  const count = (severity: Severity): number =>
    judged.filter((one) => one.severity === severity).length;
  const lines = new LineTable(text);
  return {
    schema: 1,
    file,
    verdict: judged.some(({ severity }) => blocks(severity, policy)) ? "reject" : "accept",
    profile: policy.profile,
    counts: { error: count("error"), warning: count("warning"), info: count("info") },
    diagnostics: judged
      .toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
      .slice(0, MAX_SHOWN_FINDINGS)
      .toSorted(byPlace)
      .map((one) => toDiagnostic(one, lines, rules)),
  };
}

function judge(
  findings: readonly Finding[],
  allowances: ReadonlyMap<string, string>,
  policy: Policy,
  rules: Catalogue,
): Judged[] {
  return findings.flatMap((finding): Judged[] => {
    const rule = rules.rule(finding.rule);
    const severity = severityOf(rule, finding.severity, finding.resolved, policy);
    if (severity === null) return [];
    const reason = allowances.get(finding.rule);
    // A script may explain a warning, which is then only noted; never an error, and not where all is to block.
    if (reason === undefined || severity !== "warning" || policy.profile === "strict")
      return [{ finding, severity, reason: null }];
    return [{ finding, severity: "info", reason }];
  });
}

/** Of the same rule at the same place, the worst. */
function withoutRepeats(judged: readonly Judged[]): Judged[] {
  const sorted = judged.toSorted((a, b) => byPlace(a, b) || RANK[a.severity] - RANK[b.severity]);
  return sorted.filter((one, at) => {
    const before = sorted[at - 1];
    return before === undefined || byPlace(before, one) !== 0;
  });
}

function byPlace(a: Judged, b: Judged): number {
  if (a.finding.pos !== b.finding.pos) return a.finding.pos - b.finding.pos;
  return a.finding.rule < b.finding.rule ? -1 : Number(a.finding.rule > b.finding.rule);
}

function toDiagnostic(
  { finding, severity, reason }: Judged,
  lines: LineTable,
  rules: Catalogue,
): Diagnostic {
  const rule = rules.rule(finding.rule);
  const start = lines.place(finding.pos);
  const end = lines.place(Math.max(finding.pos, finding.end));
  const explained = reason === null ? "" : ` (the script says why: ${cut(reason, MAX_TEXT)})`;
  return {
    rule: rule.id,
    severity,
    category: rule.family,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
    offset: finding.pos,
    message: readable(`${finding.message}${explained}`),
    resolved: cut(finding.resolved, MAX_TEXT),
    source: cut(lines.line(start.line), MAX_TEXT),
    trace: finding.trace.map((step) => ({ ...step, name: cut(readable(step.name), MAX_TEXT) })),
    fix: rule.fix,
    doc: `docs/validation.md#${rule.id.toLowerCase()}`,
  };
}
