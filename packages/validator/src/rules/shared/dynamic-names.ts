import { INDIRECT, INPUT, OUTPUT, isKnown, readable } from "../../characters.js";
import { globMatches } from "./name-patterns.js";
import type { Found } from "../report.js";

/** Commands that nobody spells with a pattern by chance. */
const NAMES = [
  "curl",
  "wget",
  "nc",
  "ncat",
  "netcat",
  "socat",
  "bash",
  "sh",
  "dash",
  "zsh",
  "rm",
  "dd",
  "sudo",
  "su",
  "ssh",
  "scp",
  "telnet",
  "nsenter",
  "mount",
  "chmod",
  "chown",
  "docker",
  "kubectl",
  "python",
  "python3",
  "perl",
  "base64",
  "crontab",
  "mkfs",
  "reboot",
  "shutdown",
  "iptables",
  "insmod",
  "cat",
  "unshare",
  "chroot",
  "passwd",
  "nmap",
];

/** A command whose name is only known when it runs. */
export function checkName(program: string, found: Found): void {
  const last = program.split("/").at(-1) ?? "";
  if (/[*?[]/.test(last) && isKnown(last)) {
    if (!last.startsWith("-") && NAMES.some((dangerous) => globMatches(last, dangerous)))
      found("DYN-CMD-GLOB", `${readable(program)} may be a dangerous command`);
  } else if (last.includes(INDIRECT))
    found("DYN-CMD-INDIRECT", "the name of the command is in a variable that is not known");
  else if (last === OUTPUT)
    found("DYN-CMD-SUBST", "the name of the command is the output of another");
  else if (last === INPUT && !/^\.\//.test(program))
    found("DYN-CMD-INPUT", "the name of the command is read from a file");
  else if (/^[a-z]+\uE001[a-z]+$/.test(last))
    found("DYN-CMD-PARTIAL", "a part of the command's name is in a variable that is not set");
}
