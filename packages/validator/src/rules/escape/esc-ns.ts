import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "ESC-NS",
  family: "escape",
  severity: "error",
  why: "changes namespaces, roots or mounts",
  fix: ASK,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
