import type { Rule } from "../../rule.js";
import { programNames } from "../data/programs.js";
import { checkPrograms } from "../shared/network.js";

export const rule = {
  id: "NET-LISTEN",
  family: "network",
  severity: "error",
  why: "waits for connections",
  fix: "Write results to files.",
  commands: programNames("listen"),
  check: (invocation, report) => checkPrograms("listen", invocation, report),
  examples: {
    dangerous: [
      "python3 -m http.server 8000",
      "php -S 0.0.0.0:8000",
      "busybox httpd -f -p 8000",
      "ruby -run -e httpd . -p 8000",
      "nginx -c $PWD/nginx.conf",
    ],
    honest: ["python3 -m json.tool x.json", "php -f report.php", "nginx -v", "serve --port 1"],
  },
} as const satisfies Rule;
