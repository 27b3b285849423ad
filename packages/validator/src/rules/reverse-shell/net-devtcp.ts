import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-DEVTCP",
  family: "reverse-shell",
  severity: "error",
  why: "opens a connection through /dev/tcp or /dev/udp",
  fix: STAGE,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
