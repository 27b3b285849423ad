import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-INSTALL",
  family: "network",
  severity: "warning",
  why: "installs or clones from the network, and the job has no network",
  fix: "Prepare the environment beforehand and submit it along, or have it installed on the agents.",
  needsNetwork: true,
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
