import type { Rule } from "../../rule.js";

export const rule = {
  id: "ESC-CTRCTL",
  family: "escape",
  severity: "error",
  why: "controls containers of the machine",
  fix: "Use singularity or apptainer with an image file of the job.",
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
