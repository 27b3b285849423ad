import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";
import { MOUNT_TOOLS } from "../data/mount-tools.js";
import { asksForHelp, parseOptions } from "../shared/options.js";

export const rule = {
  id: "ESC-NS",
  family: "escape",
  severity: "error",
  why: "changes namespaces, roots or mounts",
  fix: ASK,
  commands: [...MOUNT_TOOLS, "mount"],
  check: ({ name, program, args }, report) => {
    // A program of the job's own may be called so.
    if (asksForHelp(args) || /^\.{1,2}\/(\S*\/)?u?mount$/.test(program)) return;
    if (name === "mount") {
      const { given, operands } = parseOptions(args, "t:o:O:L:U:", ["types", "options"]);
      const lists = operands.length === 0 && !["a", "all", "L", "U"].some((key) => given.has(key));
      if (!lists) report("mount changes what is mounted");
    } else if (args.length > 0 || /^(unshare|schroot|nsenter)$/.test(name))
      report(`${name} changes namespaces, roots or mounts`);
  },
  examples: {
    dangerous: [
      "nsenter --target 1 --mount sh",
      "mount -t proc proc /mnt",
      "unshare",
      "chroot /host sh",
    ],
    honest: ["mount | grep scratch", "mount -l -t nfs", "./mount data"],
  },
} as const satisfies Rule;
