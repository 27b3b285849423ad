import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-PIPE-SHELL",
  family: "obfuscation",
  severity: "error",
  why: "runs text that is only worked out while it runs",
  fix: PLAIN,
  examples: {
    dangerous: [
      "base64 -d payload.b64 | sh",
      "openssl enc -d -in x | bash",
      "xxd -r -p x.hex > y; bash y",
      "eval \"$(echo secret | awk '{ weird($0) }')\"",
    ],
    honest: [
      "base64 -d image.b64 > image.png",
      "cat job.sh | bash -n",
      "gunzip -c data.gz | ./prog",
    ],
  },
} as const satisfies Rule;
