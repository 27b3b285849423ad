import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { reportWrite } from "../shared/protected.js";
import { STAY } from "../advice.js";

export const rule = {
  id: "PATH-SYSWRITE",
  family: "files",
  severity: "error",
  why: "writes into the system's directories",
  fix: STAY,
  checkFile: (use, report) => {
    const { path, normal, access, isDirectory } = use;
    if (access !== "write") return;
    if (isDirectory && normal === "/" && path.startsWith("/"))
      report("the top of the file system is written to");
    else if (protectedPlace(normal) === "system") reportWrite(use, report);
  },
  examples: {
    dangerous: ["cp tool /usr/local/bin/", "tar -C / -xf all.tar", "chmod 777 /usr/bin/env"],
    honest: ["cp /usr/bin/env bin/", "tar -C /tmp/x -xf all.tar", "chmod +x bin/tool"],
  },
} as const satisfies Rule;
