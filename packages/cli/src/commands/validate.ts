import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { EXIT, JobctlError } from "@jobctl/protocol/error";
import { RUN_SCRIPT } from "@jobctl/protocol/reserved";
import { VERSION } from "@jobctl/protocol/version";
import {
  DEFAULT_POLICY,
  PROFILES,
  formatReport,
  toSarif,
  validateJob,
  type Policy,
  type Report,
} from "@jobctl/validator";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { toPrintableJson } from "../printable.js";
import { readScript } from "../read-script.js";

export interface ValidateFlags extends CommonFlags {
  readonly format?: string;
  readonly profile?: string;
  readonly network?: boolean;
}

/** Checks scripts as an agent would before it runs them. Nothing is sent anywhere. */
export async function validateScripts(
  paths: readonly string[],
  flags: ValidateFlags,
): Promise<void> {
  await runCommand(flags, async (context) => {
    const policy = readPolicy(flags);
    const reports = paths.flatMap((path) => check(path, policy));
    print(reports, flags, context);
    return reports.some(({ verdict }) => verdict === "reject") ? EXIT.rejected : EXIT.ok;
  });
}

function readPolicy(flags: ValidateFlags): Policy {
  const profile = PROFILES.find((known) => known === (flags.profile ?? DEFAULT_POLICY.profile));
  if (profile === undefined) {
    throw new JobctlError("usage", `there is no profile ${JSON.stringify(flags.profile)}`, {
      hint: `There are: ${PROFILES.join(", ")}.`,
    });
  }
  return { ...DEFAULT_POLICY, profile, network: flags.network ?? false };
}

/** A script, or of a directory run.sh and the scripts that it runs. */
function check(path: string, policy: Policy): Report[] {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const [directory, script] = isDirectory ? [path, RUN_SCRIPT] : [dirname(path), basename(path)];
  const reports = validateJob(script, (file) => readScript(join(directory, file)), policy);
  if (reports.length > 0) {
    return reports.map((report) => ({ ...report, file: join(directory, report.file) }));
  }
  throw new JobctlError("file_not_found", `${join(directory, script)} cannot be read`, {
    hint: "Give a script, or a directory with a run.sh.",
  });
}

function print(reports: readonly Report[], flags: ValidateFlags, { output }: Context): void {
  const format = output.flags.json ? "json" : (flags.format ?? "text");
  switch (format) {
    case "json":
      return output.json({
        schema: "jobctl.validation/v1",
        items: reports.map(({ schema: _version, ...report }) => ({
          ...report,
          diagnostics: report.diagnostics.map((found) => ({ ...found, trace: [...found.trace] })),
        })),
        nextCursor: null,
      });
    case "sarif":
      return output.line(toPrintableJson(toSarif(reports, VERSION), 2));
    case "text":
      for (const report of reports) {
        for (const line of formatReport(report)) output.line(line);
        const { error, warning } = report.counts;
        const verdict = report.verdict === "accept" ? "accepted" : "rejected";
        output.note(`${report.file}: ${verdict}, ${error} errors, ${warning} warnings`);
      }
      return;
    default:
      throw new JobctlError("usage", `there is no format ${JSON.stringify(format)}`, {
        hint: "There are text, json and sarif.",
      });
  }
}
