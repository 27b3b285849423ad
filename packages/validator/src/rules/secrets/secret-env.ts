import type { Rule } from "../../rule.js";

export const rule = {
  id: "SECRET-ENV",
  family: "secrets",
  severity: "warning",
  why: "uses a credential from the environment",
  fix: "Jobs have no credentials; give the job what it needs as a file of its own.",
  examples: {
    dangerous: ['./upload --key "$STORE_API_KEY"', 'tool "${SERVICE_ACCESS_TOKEN:-none}"'],
    honest: [
      'STORE_API_KEY=none; ./upload --key "$STORE_API_KEY"',
      './train --max "$MAX_TOKENS" --parallel "$TOKENIZERS_PARALLELISM"',
      'test -n "$STORE_API_KEY"',
    ],
  },
} as const satisfies Rule;
