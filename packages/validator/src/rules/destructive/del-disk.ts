import { ASK } from "../advice.js";
import { readable } from "../../characters.js";
import { BLOCK_DEVICE } from "../../paths.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "DEL-DISK",
  family: "destructive",
  severity: "error",
  why: "overwrites a disk",
  fix: ASK,
  checkFile: ({ path, normal, access }, report) => {
    if (access === "write" && BLOCK_DEVICE.test(normal)) report(`${readable(path)} is overwritten`);
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
