import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-REMOTE",
  family: "network",
  severity: "error",
  why: "goes to another machine, and the job has no network",
  fix: STAGE,
  needsNetwork: true,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
