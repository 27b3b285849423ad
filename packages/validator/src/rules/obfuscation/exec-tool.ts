import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";

/** Tools that look for weaknesses, passwords or ways into other machines, without the ends of their names. */
const TOOLS =
  /^(auto_?suid|linpeas|winpeas|linenum|lse|les|linux-?exploit-?suggester(-?2)?|linux-?smart-?enumeration|unix-?privesc-?check|suid3num|gtfonow|pspy(32|64)s?|mimipenguin|mimikatz|lazagne|traitor|beroot|deepce|amicontained|peirates|botb|cdk|kubeletctl|pupysh|responder|bloodhound|impacket-\w{1,30}|psexec|secretsdump|wmiexec|smbexec|crackmapexec|netexec|evil-winrm|msfconsole|msfvenom|sliver-client|metasploit|empire|merlin|chisel|ligolo|patator|hashcat|johntheripper|sqlmap|nikto|wpscan|dirsearch|gobuster|feroxbuster|xsstrike|commix|dirtycow|dirtypipe|pwnkit|gimmecredz|swapdigger|truffledog|dump_?heap|procdump|3snake|bashark|rootkit\w{0,20}|diamorphine|reptile)$/i;

export const rule = {
  id: "EXEC-TOOL",
  family: "obfuscation",
  severity: "error",
  why: "runs a tool that is made to attack machines",
  fix: "Leave it out; a job needs no such tool.",
  commands: [
    ...["bash", "sh", "dash", "zsh", "ksh", "source", ".", "python*", "pypy*", "perl*", "ruby*"],
    ...["node", "php*", "lua*", "java", "go", "pwsh", "wine"],
  ],
  check: ({ name, args }, report) => {
    const file = args.find((arg) => !arg.startsWith("-") || /^-jar$/.test(arg));
    const script = file === "-jar" ? args[args.indexOf("-jar") + 1] : file;
    const base = (script ?? "").split("/").at(-1) ?? "";
    if (TOOLS.test(base.replace(/\.(sh|bash|py|pl|rb|js|php|lua|jar|go|ps1|pyc)$/i, "")))
      report(`${name} runs ${readable(base)}`);
  },
  examples: {
    dangerous: [
      "bash tools/linpeas.sh -a",
      "python3 ./lazagne.py all",
      "perl les.pl",
      "sh LinEnum.sh",
    ],
    honest: [
      "bash less.sh",
      "python3 responder_model_fit.py",
      "sh lse-report.sh",
      "echo linpeas.sh",
    ],
  },
} as const satisfies Rule;
