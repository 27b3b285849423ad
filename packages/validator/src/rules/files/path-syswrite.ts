import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-SYSWRITE",
  family: "files",
  severity: "error",
  why: "writes into the system's directories",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
