import { baseName } from "../shared/arguments.js";
import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

/** Programs that look for, or use, weaknesses of a machine. */
const TOOLS =
  /^(linpeas\w*|linenum|lse|pspy\d*s?|linux-exploit-suggester\S*|linux-smart-enumeration|les|mimipenguin|lazagne|unix-privesc-check|linuxprivchecker|linux-privesc\S*|suid3num|autosuid|traitor\S*|deepce|cdk|peirates|beroot|gtfonow|sudo_killer|trufflehog|gitleaks|chkrootkit-bypass|dirty(cow|c0w|pipe|pipez)|pwnkit|cve-20\d\d-\d{3,7})(\.(sh|py|pl|elf|bin|exe|out))?$/i;
/** Short names that are also those of other programs: only as a script that lies somewhere. */
const SHORT = /^(les|lse|cdk)$/i;
const RUNNERS = /^(sh|bash|dash|zsh|ksh|source|\.|python[\d.]*|perl|ruby|node|chmod|nohup)$/;

export const rule = {
  id: "RECON-SETUID",
  family: "secrets",
  severity: "error",
  why: "searches the machine for ways to other rights",
  fix: ASK,
  commands: ["*"],
  check: ({ name, args }, report) => {
    const text = name === "find" || name === "getcap" ? args.join(" ") : "";
    if (
      name === "find" &&
      /-perm\s[-/]?\+?(u=s|g=s|u\+s|a\+s|0?[2467]000|\+s|[ug,]{1,4}[=+]s)/.test(text)
    )
      report("find searches for programs that run as another user");
    if (name === "getcap" && /(^|\s)-\w*r/.test(text))
      report("getcap searches for programs with rights of their own");
    const script = RUNNERS.test(name) ? args.find((arg) => !/^[-+]/.test(arg)) : undefined;
    const tool = [name, baseName(script ?? "")].find(
      (other) => TOOLS.test(other) && !SHORT.test(other),
    );
    if (tool !== undefined) report(`${tool} looks for weaknesses of the machine`);
  },
  examples: {
    dangerous: [
      "find / -perm -4000 -type f",
      "getcap -r /",
      "python3 tools/lazagne.py all",
      "bash /tmp/linpeas.sh -a",
      "./pspy64",
    ],
    honest: [
      "find . -perm -u+x -name '*.sh'",
      "bash lse/run.sh",
      "./les 3d.cfg",
      "python3 linear_enum.py",
    ],
  },
} as const satisfies Rule;
