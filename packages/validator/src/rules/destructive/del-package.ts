import type { Rule } from "../../rule.js";
import { ASK } from "../advice.js";
import { verbOf } from "../shared/options.js";

/** Whether a package manager is told to remove something. */
type Removes = (args: readonly string[]) => boolean;

const byVerb: Removes = (args) =>
  /^(remove|purge|autoremove|autopurge|erase|uninstall|rm|del)$/.test(
    verbOf(args, "o:c:t:", ["option", "config-file", "target-release", "installroot"]),
  );
const byOption =
  (option: RegExp): Removes =>
  (args) =>
    args.some((arg) => option.test(arg));

const MANAGERS: Readonly<Record<string, Removes>> = {
  apt: byVerb,
  "apt-get": byVerb,
  aptitude: byVerb,
  yum: byVerb,
  dnf: byVerb,
  microdnf: byVerb,
  zypper: byVerb,
  snap: byVerb,
  flatpak: byVerb,
  apk: byVerb,
  dpkg: byOption(/^(-[a-zA-Z]{0,4}[rP]|--remove|--purge|--force-all)$/),
  rpm: byOption(/^(-e\w{0,5}|--erase)$/),
  pacman: byOption(/^(-R\w{0,5}|--remove)$/),
};

export const rule = {
  id: "DEL-PACKAGE",
  family: "destructive",
  severity: "error",
  why: "removes programs of the machine",
  fix: ASK,
  commands: Object.keys(MANAGERS),
  check: ({ name, args }, report) => {
    if (MANAGERS[name]?.(args) === true) report(`${name} removes programs of the machine`);
  },
  examples: {
    dangerous: ["apt-get -y purge libc6", "rpm -e --nodeps bash", "dpkg --force-all -P coreutils"],
    honest: ["dpkg -l", "rpm -qa", "apt list --installed", "conda remove -n old --all"],
  },
} as const satisfies Rule;
