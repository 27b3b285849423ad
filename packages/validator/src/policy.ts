import type { Severity } from "./diagnostic.js";
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
}

export const DEFAULT_POLICY: Policy = { profile: "standard", network: false, overrides: {} };

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

/** The severity of a finding under a policy; null when it is not to be reported. */
export function severityOf(rule: Rule, severity: Severity, policy: Policy): Severity | null {
  const override = policy.overrides[rule.id];
  if (override === "off") return null;
  if (override !== undefined) return override;
  if (rule.needsNetwork === true && policy.network && severity === "error") return "warning";
  if (
    policy.profile === "permissive" &&
    severity === "error" &&
    !ALWAYS_BLOCKING.includes(rule.family)
  ) {
    return "warning";
  }
  return severity;
}

export function blocks(severity: Severity, policy: Policy): boolean {
  return severity === "error" || (severity === "warning" && policy.profile === "strict");
}
