import type { Diagnostic, Report } from "./diagnostic.js";

/** A report as lines for people: place, rule, the line with a caret below it, and what to do. */
export function formatReport(report: Report): string[] {
  return report.diagnostics.flatMap((diagnostic) => formatDiagnostic(report.file, diagnostic));
}

function formatDiagnostic(file: string, diagnostic: Diagnostic): string[] {
  const { line, column, severity, rule, message, source, resolved, trace, fix } = diagnostic;
  const number = String(line);
  const gutter = " ".repeat(number.length);
  const shown = printable(source);
  const until = diagnostic.endLine === line ? diagnostic.endColumn : [...source].length + 1;
  const length = [...shown].length;
  const width = Math.max(1, Math.min(until, length + 1) - column);
  // Of a long line only the beginning is shown.
  const indent = " ".repeat(Math.min(column - 1, length));
  const how = trace.map(({ kind, name }) =>
    kind === "wrapper"
      ? `run through ${name}`
      : kind === "alias"
        ? `by the alias ${name}`
        : `in the text for ${name}`,
  );
  const meant =
    resolved !== "" && !source.includes(resolved)
      ? [`resolves to ${JSON.stringify(printable(resolved))}`]
      : [];
  const note = [...meant, ...how].join(", ");
  return [
    `${file}:${line}:${column}  ${severity}  ${rule}  ${printable(message)}`,
    `   ${number} | ${shown}`,
    `   ${gutter} | ${indent}${"^".repeat(width)}${note === "" ? "" : ` ${note}`}`,
    `   help: ${fix}`,
  ];
}

/** Scripts come from anywhere: no control character of theirs reaches the terminal. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll("\t", " ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}
