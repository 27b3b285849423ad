import type { Rule } from "./rule.js";
import { SEVERITIES, type Severity } from "./diagnostic.js";
import { RULES } from "./rules/index.js";
import { Catalogue, OWN_CATALOGUE } from "./rules/registry.js";

/** A rule of a site: commands that its jobs are not to run, or not with these options. */
export interface SiteRule {
  readonly id: string;
  /** Names of commands; `mkfs*` stands for all that begin so. */
  readonly commands: readonly string[];
  /** It concerns only commands with one of these options; all when there are none. */
  readonly options: readonly string[];
  readonly severity: Severity;
  readonly why: string;
  readonly fix: string;
}

/** Where the list of a site's rules is. */
export const SITE_RULES_SETTING = "JOBCTL_VALIDATOR_RULES";

const MAX_RULES = 500;
const MAX_TEXT = 500;
const MAX_NAMES = 200;
const KEYS = new Set(["id", "command", "options", "severity", "why", "fix"]);

/** The rules that jobctl comes with, and those of a site. */
export function catalogueWith(siteRules: readonly SiteRule[]): Catalogue {
  if (siteRules.length === 0) return OWN_CATALOGUE;
  return new Catalogue([...(RULES as readonly Rule[]), ...siteRules.map(toRule)]);
}

function toRule({ id, commands, options, severity, why, fix }: SiteRule): Rule {
  return {
    ...{ id, family: "site", severity, why, fix, commands },
    check: ({ name, args }, report) => {
      const given = options.find((option) => hasOption(args, option));
      if (options.length > 0 && given === undefined) return;
      report(given === undefined ? `${name} ${why}` : `${name} ${given} ${why}`);
    },
    examples: { dangerous: [], honest: [] },
  };
}

/** `-x` also among others in one argument, `--long` also with a value. */
function hasOption(args: readonly string[], option: string): boolean {
  const letter = /^-[A-Za-z]$/.test(option) ? option.slice(1) : null;
  return args.some(
    (arg) =>
      arg === option ||
      arg.startsWith(`${option}=`) ||
      (letter !== null && /^-[A-Za-z]/.test(arg) && arg.includes(letter)),
  );
}

/**
 * Reads the list of a site's rules.
 *
 * @param text a JSON list
 * @returns the rules, or everything that is wrong with them
 */
export function parseSiteRules(
  text: string,
): { readonly rules: readonly SiteRule[] } | { readonly problems: readonly string[] } {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return { problems: [`it is not JSON: ${(error as Error).message}`] };
  }
  if (!Array.isArray(list)) return { problems: ["it is not a list"] };
  if (list.length > MAX_RULES) return { problems: [`it has more than ${MAX_RULES} rules`] };
  const problems: string[] = [];
  const rules = list.map((item: unknown, at) =>
    readRule(item, at + 1, (problem) => problems.push(`rule ${at + 1}: ${problem}`)),
  );
  const known = new Set<string>(RULES.map(({ id }) => id));
  for (const [at, { id }] of rules.entries()) {
    if (known.has(id)) problems.push(`rule ${at + 1}: there is already a rule ${id}`);
    known.add(id);
  }
  return problems.length > 0 ? { problems } : { rules };
}

/** @param tell called with each problem; what is returned is of use only when there is none */
function readRule(item: unknown, number: number, tell: (problem: string) => void): SiteRule {
  const given =
    typeof item === "object" && item !== null ? (item as Readonly<Record<string, unknown>>) : {};
  if (given !== item || Array.isArray(item)) tell("it is not an object");
  for (const key of Object.keys(given))
    if (!KEYS.has(key))
      tell(`there is no ${JSON.stringify(key)}: there are ${[...KEYS].join(", ")}`);
  const id = given["id"] ?? `SITE-${number}`;
  if (typeof id !== "string" || !/^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$/.test(id) || id.length > 50)
    tell("id is to be of capital letters and digits, with hyphens between them");
  const severity = SEVERITIES.find((known) => known === given["severity"]);
  if (severity === undefined) tell(`severity is to be one of ${SEVERITIES.join(", ")}`);
  const commands = readNames(given["command"], "command", /^[^\s/*]+\*?$|^\*$/, tell);
  if (commands.length === 0) tell("command is missing");
  return {
    id: String(id),
    commands,
    options: readNames(given["options"], "options", /^-\S+$/, tell),
    severity: severity ?? "error",
    why: readText(given["why"], "why", tell),
    fix: given["fix"] === undefined ? DEFAULT_FIX : readText(given["fix"], "fix", tell),
  };
}

const DEFAULT_FIX = "Ask the operator of this service.";

function readText(value: unknown, key: string, tell: (problem: string) => void): string {
  if (typeof value === "string" && value.trim() !== "" && value.length <= MAX_TEXT) return value;
  tell(`${key} is to be a text of at most ${MAX_TEXT} characters`);
  return "";
}

/** One name, or a list of names. */
function readNames(
  value: unknown,
  key: string,
  pattern: RegExp,
  tell: (problem: string) => void,
): string[] {
  if (value === undefined) return [];
  const names: unknown[] = Array.isArray(value) ? value : [value];
  if (names.length > MAX_NAMES) tell(`${key} has more than ${MAX_NAMES} entries`);
  for (const name of names)
    if (typeof name !== "string" || name.length > 100 || !pattern.test(name))
      tell(`${key} cannot be ${JSON.stringify(name)}`);
  return names.map(String);
}
