import type { Rule } from "../../rule.js";
import { engineUse } from "../data/container-engines.js";
import { parseOptions } from "../shared/options.js";

export const rule = {
  id: "ESC-CTRPULL",
  family: "escape",
  severity: "error",
  why: "has an engine of the machine fetch an image",
  fix: "Put an image file into the job's directory, and run it with singularity or apptainer.",
  needsNetwork: true,
  commands: ["docker", "nerdctl", "podman", "buildah"],
  check: ({ name, args }, report) => {
    const { operands } = parseOptions(args, "+H:c:l:n:a:", [
      "host",
      "context",
      "config",
      "namespace",
    ]);
    if (engineUse(name, operands[0] ?? "", operands[1] ?? "") === "fetches")
      report(`${name} fetches an image`);
  },
  examples: {
    dangerous: ["docker pull alpine", "podman image pull alpine"],
    honest: ["docker images", "git pull", "podman ps"],
  },
} as const satisfies Rule;
