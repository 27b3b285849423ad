import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-CTRSOCK",
  family: "escape",
  severity: "error",
  why: "uses the socket of a container engine",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
