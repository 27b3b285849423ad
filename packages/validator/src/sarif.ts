import type { Report, Severity } from "./diagnostic.js";
import type { Rule } from "./rule.js";
import { RULES } from "./rules/index.js";

const LEVELS: Readonly<Record<Severity, string>> = {
  error: "error",
  warning: "warning",
  info: "note",
};

/** Reports as a SARIF 2.1.0 log, for editors and code scanning. */
export function toSarif(
  reports: readonly Report[],
  version: string,
  catalogue: readonly Rule[] = RULES,
): object {
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "jobctl validate",
            version,
            rules: catalogue.map(({ id, why, fix, severity, family }) => ({
              id,
              shortDescription: { text: `The script or one of its commands ${why}.` },
              help: { text: fix },
              defaultConfiguration: { level: LEVELS[severity] },
              properties: { category: family },
            })),
          },
        },
        columnKind: "unicodeCodePoints",
        results: reports.flatMap(({ file, diagnostics }) =>
          diagnostics.map((diagnostic) => ({
            ruleId: diagnostic.rule,
            level: LEVELS[diagnostic.severity],
            message: { text: `${diagnostic.message}. ${diagnostic.fix}` },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: file.split("/").map(encodeURIComponent).join("/") },
                  region: {
                    startLine: diagnostic.line,
                    startColumn: diagnostic.column,
                    endLine: diagnostic.endLine,
                    endColumn: diagnostic.endColumn,
                  },
                },
              },
            ],
          })),
        ),
      },
    ],
  };
}
