import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "INLINE-NET",
  family: "reverse-shell",
  severity: "error",
  why: "connects a shell or a process to the network from inline code",
  fix: STAGE,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
