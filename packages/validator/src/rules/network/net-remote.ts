import { isKnown } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { STAGE } from "../advice.js";
import { programNames } from "../data/programs.js";
import { isLocal } from "../shared/hosts.js";
import { checkPrograms } from "../shared/network.js";
import { sshCall } from "../shared/ssh.js";

export const rule = {
  id: "NET-REMOTE",
  family: "network",
  severity: "error",
  why: "goes to another machine, and the job has no network",
  fix: STAGE,
  needsNetwork: true,
  commands: programNames("remote"),
  check: (invocation, report) => {
    const { name, args } = invocation;
    if (name === "ssh") {
      const { options, host } = sshCall(args);
      const asks = options.some(({ letter }) => /[VQG]/.test(letter));
      const jumps = options.some(({ letter }) => /[JWo]/.test(letter));
      if (asks || (!jumps && host !== null && isKnown(host) && isLocal(host))) return;
    }
    // `scp a b` is cp.
    if (/^p?scp$/.test(name) && args.length > 1 && !args.some(mayBeRemote)) return;
    checkPrograms("remote", invocation, report);
  },
  examples: {
    dangerous: [
      "ssh me@example.org uptime",
      "rsync -a out/ me@example.org:/data",
      "sshfs me@example.org:/ mnt",
      "psql -h db.example.org -c 'select 1'",
      "parallel -S node1,node2 ./work ::: 1 2",
    ],
    honest: [
      "ssh -V",
      "ssh localhost ./start-worker --name w1",
      "rsync -a out/ backup/",
      "scp -p results.txt out/",
      "psql -h localhost -c 'select 1'",
      "parallel ./work ::: 1 2",
      "mpiexec -bootstrap ssh -n 4 ./solver",
    ],
  },
} as const satisfies Rule;

function mayBeRemote(arg: string): boolean {
  return !isKnown(arg) || /^[^/\s]{1,300}:|^scp:/.test(arg);
}
