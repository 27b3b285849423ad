import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "RECON-SETUID",
  family: "secrets",
  severity: "error",
  why: "searches the machine for ways to other rights",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
