import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EVADE-LOG",
  family: "persistence",
  severity: "error",
  why: "removes traces from the machine's logs",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
