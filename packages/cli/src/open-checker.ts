import { readFileSync } from "node:fs";

import { JobctlError } from "@jobctl/protocol/error";
import type { SiteRule } from "@jobctl/validator";
import { ScriptChecker } from "@jobctl/validator/checker";

/** A thread that checks scripts, with the rules of the site. Whoever opens it closes it. */
export async function openChecker(): Promise<ScriptChecker> {
  return new ScriptChecker({ siteRules: await readSiteRules() });
}

/**
 * The rules of the site, from the list that `JOBCTL_VALIDATOR_RULES` names here, as it does for agents.
 *
 * @throws JobctlError `config_invalid` with everything that is wrong with them
 */
export async function readSiteRules(): Promise<readonly SiteRule[]> {
  const path = process.env["JOBCTL_VALIDATOR_RULES"];
  if (path === undefined || path === "") return [];
  const { parseSiteRules } = await import("@jobctl/validator");
  const parsed = parseSiteRules(readFileSync(path, "utf8"));
  if ("rules" in parsed) return parsed.rules;
  throw new JobctlError(
    "config_invalid",
    `JOBCTL_VALIDATOR_RULES: ${path}: ${parsed.problems.join("; ")}`,
    { hint: "docs/validation.md shows a list of rules." },
  );
}
