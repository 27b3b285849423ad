import { open } from "node:fs/promises";

import type { Finding } from "@jobctl/protocol";
import { MAX_SCRIPT_BYTES, validate, type Policy, type Report } from "@jobctl/validator";

interface ScriptCheck {
  readonly accepted: boolean;
  readonly findings: Finding[];
}

/** Checks run.sh, before it is run, against what jobs of its service may do. */
export async function checkScript(path: string, policy: Policy): Promise<ScriptCheck> {
  const report = validate(await readScript(path), "run.sh", policy);
  return { accepted: report.verdict === "accept", findings: toFindings(report) };
}

/** At most one byte more than a script may have: it is rejected for that, not read to its end. */
async function readScript(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_SCRIPT_BYTES + 1), 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function toFindings({ diagnostics }: Report): Finding[] {
  return diagnostics.map((found) => ({
    rule: found.rule,
    severity: found.severity,
    line: found.line,
    column: found.column,
    endColumn: found.endLine === found.line ? found.endColumn : null,
    source: found.source,
    message: found.message,
    hint: found.fix,
  }));
}
