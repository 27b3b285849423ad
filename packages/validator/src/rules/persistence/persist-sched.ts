import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PERSIST-SCHED",
  family: "persistence",
  severity: "error",
  why: "arranges for something to run later",
  fix: "Submit a job when it is due.",
  checkFile: ({ path, normal, access }, report) => {
    if (access === "write" && protectedPlace(normal) === "spool")
      report(`${readable(path)} is written to`);
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
