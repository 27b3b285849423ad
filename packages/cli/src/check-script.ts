import { join } from "node:path";

import type { ServerInfo } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { RUN_SCRIPT } from "@jobctl/protocol/reserved";
import { DEFAULT_POLICY, blocks, formatReport, type Report } from "@jobctl/validator/checker";

import type { Context } from "./command.js";
import { openChecker } from "./open-checker.js";
import type { JobSource } from "./pack-job.js";
import { readScript } from "./read-script.js";

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
  const { scripts } = source;
  if (scripts === null) return;
  const info = await context.client.json<ServerInfo>("/v1/info", { signal: context.signal });
  const policy = info.policies[service] ?? DEFAULT_POLICY;
  const read = (path: string): Uint8Array | null =>
    readScript(path === RUN_SCRIPT ? scripts.run : join(scripts.directory, path));
  const checker = await openChecker();
  const { signal } = context;
  const reports = await checker
    .check({ script: RUN_SCRIPT, read, policy, signal })
    .finally(() => checker.close());
  for (const report of reports) show(report, context);
  if (reports.every(({ verdict }) => verdict === "accept")) return;
  const diagnostics = reports.flatMap((report) =>
    report.diagnostics.map((found) => ({ ...found, file: report.file })),
  );
  const blocking = diagnostics.filter(({ severity }) => blocks(severity, policy));
  const [first] = blocking;
  const more = blocking.length > 1 ? `, and ${blocking.length - 1} more` : "";
  throw new JobctlError(
    "script_rejected",
    `${first?.file} was rejected: line ${first?.line}: ${first?.message} (${first?.rule})${more}`,
    {
      hint: "Nothing was sent. Correct the script; --no-validate leaves the check to the agent.",
      details: { diagnostics },
    },
  );
}

function show(report: Report, { output }: Context): void {
  const diagnostics = report.diagnostics.filter(({ severity }) => severity !== "info");
  for (const line of formatReport({ ...report, diagnostics })) output.note(line);
}
