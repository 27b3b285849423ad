import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-TUNNEL",
  family: "network",
  severity: "error",
  why: "opens a tunnel",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
