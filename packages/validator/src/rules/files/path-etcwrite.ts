import { STAY } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-ETCWRITE",
  family: "files",
  severity: "error",
  why: "writes to the configuration of the machine",
  fix: STAY,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
