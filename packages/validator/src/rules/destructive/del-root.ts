import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-ROOT",
  family: "destructive",
  severity: "error",
  why: "deletes the whole file system",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
