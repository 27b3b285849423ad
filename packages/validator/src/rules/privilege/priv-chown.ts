import { isKnown } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { parseOptions } from "../shared/options.js";

export const rule = {
  id: "PRIV-CHOWN",
  family: "privilege",
  severity: "warning",
  why: "changes the owner of files, which jobs may not",
  fix: "Leave the owner; set the mode where others need access.",
  commands: ["chown", "chgrp"],
  check: ({ name, args }, report) => {
    const { given, operands } = parseOptions(args, "", ["reference", "from"]);
    if (given.has("reference")) return;
    const [owner = "", ...paths] = operands;
    // `chown $USER`, `chown $(id -u)`: to whom the files belong already.
    if (paths.length === 0 || !isKnown(owner.split(/[:.]/)[0] ?? "")) return;
    const root = /^(root|\+?0+)?(?:[:.](root|\+?0+)?)?$/.exec(owner);
    const toRoot = root !== null && (root[1] !== undefined || root[2] !== undefined);
    const powerful = name === "chgrp" && /^(root|0|shadow|disk|sudo|wheel|docker)$/.test(owner);
    report(`${name} changes the owner`, toRoot || powerful ? "error" : "warning");
  },
  examples: {
    dangerous: [
      "chown root:root helper",
      "chown 0 helper",
      "chown alice results",
      "chgrp lab results",
    ],
    honest: ['chown "$USER" results', "chown -R $(id -u):$(id -g) out", "echo chown root"],
  },
} as const satisfies Rule;
