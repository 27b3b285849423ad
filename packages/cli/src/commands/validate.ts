import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { EXIT, JobctlError } from "@jobctl/protocol/error";
import { RUN_SCRIPT } from "@jobctl/protocol/reserved";
import { VERSION } from "@jobctl/protocol/version";
import {
  DEFAULT_POLICY,
  PROFILES,
  formatReport,
  type Policy,
  type Report,
  type ScriptChecker,
} from "@jobctl/validator/checker";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { openChecker, readSiteRules } from "../open-checker.js";
import { toPrintableJson } from "../printable.js";
import { readScript } from "../read-script.js";

export interface ValidateFlags extends CommonFlags {
  readonly format?: string;
  readonly profile?: string;
  readonly network?: boolean;
  readonly listRules?: boolean;
}

/** Checks scripts as an agent would before it runs them. Nothing is sent anywhere. */
export async function validateScripts(
  paths: readonly string[],
  flags: ValidateFlags,
): Promise<void> {
  await runCommand(flags, async (context) => {
    if (flags.listRules === true) return listRules(context);
    if (paths.length === 0)
      throw new JobctlError("usage", "there is nothing to check", {
        hint: "Give a script, or a directory with a run.sh.",
      });
    const policy = readPolicy(flags);
    const checker = await openChecker();
    const reports: Report[] = [];
    try {
      for (const path of paths)
        reports.push(...(await check(path, policy, checker, context.signal)));
    } finally {
      await checker.close();
    }
    await print(reports, flags, context);
    return reports.some(({ verdict }) => verdict === "reject") ? EXIT.rejected : EXIT.ok;
  });
}

/** Every rule, those of the site among them. */
async function listRules({ output }: Context): Promise<void> {
  const { catalogueWith } = await import("@jobctl/validator");
  const { rules } = catalogueWith(await readSiteRules());
  if (output.flags.json) {
    const items = rules.map(({ id, family, severity, why, fix, commands = [] }) => ({
      ...{ id, family, severity, why, fix },
      commands: [...commands],
    }));
    return output.json({ schema: "jobctl.rules/v1", items, nextCursor: null });
  }
  for (const { id, family, severity, why, fix } of rules)
    output.line(`${id}  ${severity}  ${family}  it ${why}. ${fix}`);
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
async function check(
  path: string,
  policy: Policy,
  checker: ScriptChecker,
  signal: AbortSignal,
): Promise<Report[]> {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const [directory, script] = isDirectory ? [path, RUN_SCRIPT] : [dirname(path), basename(path)];
  const read = (file: string): Uint8Array | null => readScript(join(directory, file));
  const reports = await checker.check({ script, read, policy, signal });
  if (reports.length > 0) {
    return reports.map((report) => ({ ...report, file: join(directory, report.file) }));
  }
  throw new JobctlError("file_not_found", `${join(directory, script)} cannot be read`, {
    hint: "Give a script, or a directory with a run.sh.",
  });
}

async function print(
  reports: readonly Report[],
  flags: ValidateFlags,
  { output }: Context,
): Promise<void> {
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
    case "sarif": {
      const { catalogueWith, toSarif } = await import("@jobctl/validator");
      const { rules } = catalogueWith(await readSiteRules());
      return output.line(toPrintableJson(toSarif(reports, VERSION, rules), 2));
    }
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
