import type { Rule } from "../../rule.js";
import { asksForHelp } from "../shared/options.js";

export const rule = {
  id: "RES-STRESS",
  family: "fork-bomb",
  severity: "error",
  why: "uses up the machine on purpose",
  fix: "Ask the administrator for a machine to load.",
  commands: [
    "stress",
    "stress-ng",
    "cpuburn",
    "burnP6",
    "burnMMX",
    "mprime",
    "gpu_burn",
    "stressapptest",
    "forkbomb",
  ],
  check: ({ name, args, program }, report) => {
    // A program of the job's own may well be called so.
    if (program.startsWith("./") || asksForHelp(args)) return;
    if (args.length > 0 || name === "cpuburn") report(`${name} uses up the machine`);
  },
  examples: {
    dangerous: ["stress --cpu 64", "stress-ng --vm 8 --vm-bytes 95%"],
    honest: ["./stress --input beam.dat", "stress-ng --version", "python stress.py"],
  },
} as const satisfies Rule;
