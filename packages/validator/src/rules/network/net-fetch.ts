import type { Rule } from "../../rule.js";
import { STAGE } from "../advice.js";
import { CLOUD_COPIES, NAME_CLIENTS } from "../data/programs-fetch.js";
import { programNames } from "../data/programs.js";
import { operands } from "../report.js";
import { cloudCopy } from "../shared/cloud.js";
import { staysLocal } from "../shared/hosts.js";
import { checkPrograms } from "../shared/network.js";

export const rule = {
  id: "NET-FETCH",
  family: "network",
  severity: "error",
  why: "fetches something, and the job has no network",
  fix: STAGE,
  needsNetwork: true,
  commands: [...programNames("fetch"), ...CLOUD_COPIES, ...NAME_CLIENTS],
  check: (invocation, report) => {
    const { name, args } = invocation;
    if (CLOUD_COPIES.has(name)) {
      if (cloudCopy(args) === "fetches") report(`${name} transfers files`);
      return;
    }
    checkPrograms("fetch", invocation, report);
    if (!NAME_CLIENTS.includes(name) || name === "getent" || staysLocal(args)) return;
    if (operands(args).length > 0) report(`${name} asks the network`, "warning");
  },
  examples: {
    dangerous: [
      "curl -sO https://example.org/data.csv",
      "/usr/bin/wget http://localhost.example.org/",
      "curl -x http://proxy.example.org:3128 http://localhost/",
      "aws s3 cp s3://bucket/key .",
      "vim -c ':r https://example.org/x' -c q",
      "ab -n 1 http://example.org/",
      "tar xf me@example.org:data.tar",
    ],
    honest: [
      "curl --version",
      "curl -s http://localhost:8080/health",
      "vim -es run.cfg",
      "tar xf data.tar",
      "fasterq-dump ./reads/sample.sra",
      "./bin/links --in graph.txt",
    ],
  },
} as const satisfies Rule;
