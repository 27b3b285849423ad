import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-RAW",
  family: "network",
  severity: "error",
  why: "opens a raw connection",
  fix: STAGE,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
