import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { STAY } from "../advice.js";

export const rule = {
  id: "PATH-SYSWRITE",
  family: "files",
  severity: "error",
  why: "writes into the system's directories",
  fix: STAY,
  checkFile: ({ path, normal, access, isDirectory }, report) => {
    if (access !== "write") return;
    if (isDirectory && normal === "/") report("the top of the file system is written to");
    else if (protectedPlace(normal) === "system") report(`${readable(path)} is written to`);
  },
  examples: {
    dangerous: ["cp tool /usr/local/bin/", "tar -C / -xf all.tar", "chmod 777 /usr/bin/env"],
    honest: ["cp /usr/bin/env bin/", "tar -C /tmp/x -xf all.tar", "chmod +x bin/tool"],
  },
} as const satisfies Rule;
