import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-DYN-CODE",
  family: "obfuscation",
  severity: "error",
  why: "runs code that it decodes while it runs",
  fix: "Put the program into a file of the job.",
  examples: {
    dangerous: [
      "python3 -c 'import base64; exec(base64.b64decode(\"cHJpbnQoMSk=\"))'",
      "perl -MMIME::Base64 -e 'eval(decode_base64(\"cHJpbnQgMQ==\"))'",
    ],
    honest: [
      "python3 -c 'import base64; print(base64.b64decode(\"eA==\"))'",
      "python3 -c 'model.eval()'",
    ],
  },
} as const satisfies Rule;
