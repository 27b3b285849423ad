import { readFile } from "node:fs/promises";

import type { ServerInfo } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { RUN_SCRIPT } from "@jobctl/protocol/reserved";
import { DEFAULT_POLICY, formatReport, validate, type Report } from "@jobctl/validator";

import type { Context } from "./command.js";
import type { JobSource } from "./pack-job.js";

/**
 * Checks the script of a job before it is sent, as its agent will, so that a refusal costs nothing.
 * The script of an archive that was made elsewhere is left to the agent.
 *
 * @throws JobctlError `script_rejected`, with every finding in the details
 */
export async function checkBeforeSubmit(
  source: JobSource,
  service: string,
  context: Context,
): Promise<void> {
  if (source.scriptPath === null) return;
  const content = await readFile(source.scriptPath);
  const info = await context.client.json<ServerInfo>("/v1/info", { signal: context.signal });
  const report = validate(content, RUN_SCRIPT, info.policies[service] ?? DEFAULT_POLICY);
  show(report, context);
  if (report.verdict === "accept") return;
  const errors = report.diagnostics.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
  throw new JobctlError(
    "script_rejected",
    `${RUN_SCRIPT} was rejected: line ${first?.line}: ${first?.message} (${first?.rule})${more}`,
    {
      hint: "Nothing was sent. Correct the script; --no-validate leaves the check to the agent.",
      details: { diagnostics: report.diagnostics },
    },
  );
}

function show(report: Report, { output }: Context): void {
  const diagnostics = report.diagnostics.filter(({ severity }) => severity !== "info");
  for (const line of formatReport({ ...report, diagnostics })) output.note(line);
}
