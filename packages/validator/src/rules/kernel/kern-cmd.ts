import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "KERN-CMD",
  family: "kernel",
  severity: "error",
  why: "changes the kernel, the network or the clock of the machine",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
