import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-FETCH",
  family: "network",
  severity: "error",
  why: "fetches something, and the job has no network",
  fix: STAGE,
  needsNetwork: true,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
