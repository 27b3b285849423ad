import { ASK } from "../advice.js";
import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-PROCSYS",
  family: "kernel",
  severity: "error",
  why: "writes to settings of the kernel",
  fix: ASK,
  checkFile: ({ path, normal, access }, report) => {
    if (access === "write" && protectedPlace(normal) === "proc")
      report(`${readable(path)} is written to`);
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
