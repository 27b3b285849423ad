import type { Severity } from "./diagnostic.js";
import { MAX_RESOLVED } from "./limits.js";
import type { Rule } from "./rule.js";

export const PROFILES = ["standard", "strict", "permissive"] as const;
export type Profile = (typeof PROFILES)[number];

/** What decides whether a finding blocks; set by the operator, never by the script. */
export interface Policy {
  readonly profile: Profile;
  /** Whether jobs of the service have the network: fetching is an error only where it must fail. */
  readonly network: boolean;
  /** Severity of single rules, by id; `off` drops a rule. */
  readonly overrides: Readonly<Record<string, Severity | "off">>;
  /** Hosts that jobs with the network may use, with everything below them. */
  readonly allowHosts: readonly string[];
  /** Commands that jobs may use, by name or by path; not for what destroys or escapes. */
  readonly allowCommands: readonly string[];
}

export const DEFAULT_POLICY: Policy = {
  profile: "standard",
  network: false,
  overrides: {},
  allowHosts: [],
  allowCommands: [],
};

/** Families that block even in the profile `permissive`. */
const ALWAYS_BLOCKING = [
  "destructive",
  "escape",
  "privilege",
  "kernel",
  "miner",
  "fork-bomb",
  "input",
];

/**
 * The severity of a finding under a policy; null when it is not to be reported.
 *
 * @param command the command as it was understood, with its arguments
 */
export function severityOf(
  rule: Rule,
  severity: Severity,
  command: string,
  policy: Policy,
): Severity | null {
  if (isAllowed(rule, command, policy)) return null;
  const override = policy.overrides[rule.id];
  if (override === "off") return null;
  if (override !== undefined) return override;
  if (rule.strictOnly === true) return policy.profile === "strict" ? "error" : null;
  if (rule.needsNetwork === true && policy.network)
    return severity === "error" ? "warning" : "info";
  if (
    policy.profile === "permissive" &&
    severity === "error" &&
    !ALWAYS_BLOCKING.includes(rule.family)
  ) {
    return "warning";
  }
  return severity;
}

function isAllowed(rule: Rule, command: string, policy: Policy): boolean {
  if (policy.allowCommands.length > 0 && !ALWAYS_BLOCKING.includes(rule.family)) {
    const [program = ""] = command.split(" ", 1);
    const name = program.split("/").at(-1) ?? "";
    if (policy.allowCommands.some((allowed) => allowed === program || allowed === name))
      return true;
  }
  if (rule.needsNetwork !== true || !policy.network || policy.allowHosts.length === 0) return false;
  // Of a command that was cut not all hosts are known.
  if (command.length > MAX_RESOLVED) return false;
  const hosts = hostsIn(command);
  return (
    hosts.length > 0 &&
    hosts.every((host) => policy.allowHosts.some((allowed) => isBelow(host, allowed)))
  );
}

/** Hosts of addresses, and of `user@host:path`, in the order of the words. */
function hostsIn(command: string): string[] {
  return command.split(/\s/).flatMap((word) => {
    const addresses = word.split("://").slice(1);
    if (addresses.length > 0) return addresses.map(hostOfAddress);
    const host = /^(?:[\w.-]+@)?([\w.-]+):/.exec(word)?.[1] ?? "";
    return word.includes("@") || host.includes(".") ? [host.toLowerCase()] : [];
  });
}

/** Of what follows `://`. */
function hostOfAddress(address: string): string {
  const [authority = ""] = address.split(/[/?#\\]/, 1);
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return (/^[\w.-]*/.exec(host)?.[0] ?? "").toLowerCase();
}

function isBelow(host: string, allowed: string): boolean {
  const name = allowed.toLowerCase();
  return host === name || host.endsWith(`.${name}`);
}

export function blocks(severity: Severity, policy: Policy): boolean {
  return severity === "error" || (severity === "warning" && policy.profile === "strict");
}
