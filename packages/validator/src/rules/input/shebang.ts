import type { Rule } from "../../rule.js";

export const rule = {
  id: "SHEBANG",
  family: "input",
  severity: "error",
  why: "names an interpreter other than bash or sh in its first line",
  fix: "Start run.sh with #!/bin/bash and call the other interpreter from it.",
  examples: {
    dangerous: ["#!/usr/bin/python3\nprint(1)", "#! /bin/csh -f\nset x=1"],
    honest: ["#!/bin/bash\necho x", "#!/usr/bin/env bash\n", 'echo "#!/bin/csh"'],
  },
} as const satisfies Rule;
