import type { Rule } from "../../rule.js";
import { ASK } from "../advice.js";
import { programNames } from "../data/programs.js";
import { checkPrograms, isLaunchersValue } from "../shared/network.js";
import { sshCall } from "../shared/ssh.js";

export const rule = {
  id: "NET-TUNNEL",
  family: "network",
  severity: "error",
  why: "opens a tunnel",
  fix: ASK,
  commands: [...programNames("tunnel"), "ssh", "autossh", "dbclient", "plink"],
  check: (invocation, report) => {
    const { name, args } = invocation;
    const isSsh = /^(ssh|autossh|dbclient|plink)$/.test(name);
    if (isSsh && !isLaunchersValue(invocation) && sshCall(args).options.some(forwards))
      report(`${name} opens a tunnel`);
    else if (!isSsh) checkPrograms("tunnel", invocation, report);
  },
  examples: {
    dangerous: [
      "ssh -fNR 2222:localhost:22 me@example.org",
      "ssh me@example.org -D 1080",
      "ssh -o RemoteForward=2222 example.org",
      "code tunnel --accept-server-license-terms",
      "ngrok tcp 22",
      "cloudflared tunnel --url ssh://localhost",
    ],
    honest: [
      "ssh node1 ls -L data",
      "ssh node1 du -D -L .",
      "code --version",
      "./bin/tor --steps 5",
      "code tunnels.txt",
    ],
  },
} as const satisfies Rule;

function forwards({ letter, value }: { readonly letter: string; readonly value: string }): boolean {
  return /[RDLw]/.test(letter) || (letter === "o" && /^(Local|Remote|Dynamic)Forward/i.test(value));
}
