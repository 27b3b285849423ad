import { readable } from "../../characters.js";
import { SHELLS } from "../../embedded.js";
import type { Report, Rule } from "../../rule.js";
import type { Invocation } from "../../unwrap.js";
import { operands } from "../report.js";
import { parseOptions } from "../shared/options.js";

const SET_USER_ID = 0o4000;
const SET_GROUP_ID = 0o2000;

export const rule = {
  id: "PRIV-SETUID",
  family: "privilege",
  severity: "error",
  why: "makes a program run as another user",
  fix: "Use chmod with three digits, such as 755.",
  // Any program may be a copy of a shell.
  commands: ["*"],
  check: (invocation, report) => {
    const { name, args } = invocation;
    switch (name) {
      case "chmod":
        checkMode(invocation, report);
        break;
      case "install":
      case "rsync":
      case "tar": {
        const { given } = parseOptions(args, "m:o:g:t:S:e:f:", ["mode", "chmod", "owner", "group"]);
        const option = name === "rsync" ? ["chmod"] : name === "tar" ? ["mode"] : ["m", "mode"];
        const modes = option.flatMap((key) => given.get(key) ?? []);
        // rsync has clauses for directories alone, where the group's bit is common.
        const clauses = modes.flatMap((mode) => mode.split(",").filter((one) => !/^Dg/.test(one)));
        const bits = clauses.map((one) => bitsOf(one.replace(/^[DF]/, "")));
        if (bits.some((some) => (some & SET_USER_ID) !== 0))
          report(`${name} sets the set-user-id bit`);
        else if (bits.some((some) => some !== 0))
          report(`${name} sets the set-group-id bit`, "warning");
        break;
      }
      default:
        if ((SHELLS.has(name) || name.endsWith("bash")) && keepsRights(args))
          report(`${readable(name)} -p keeps the rights of a set-user-id program`);
    }
  },
  examples: {
    dangerous: [
      "chmod 04755 ./helper",
      "chmod u=rwx,g+s,u+s ./helper",
      "chmod --reference=/usr/bin/passwd ./helper",
      "install -m4755 helper /tmp/helper",
      "rsync --chmod=Fu+s helper /tmp/",
      "bash -p",
      "/tmp/.helper-bash -p -c id",
    ],
    honest: [
      "chmod 0755 ./helper",
      "chmod 1777 shared",
      "bash Installer.sh -b -p ~/miniforge",
      "sh ./configure.sh -p",
      "install -m 755 helper bin/",
      "rsync -a --chmod=Dg+s,g+w out/ shared/",
      "mkdir -p a/b",
    ],
  },
} as const satisfies Rule;

function checkMode({ args }: Invocation, report: Report): void {
  const reference = args
    .find((arg) => arg.startsWith("--reference="))
    ?.slice("--reference=".length);
  if (
    reference !== undefined &&
    /\/(su|sudo|passwd|mount|umount|chsh|chfn|newgrp|pkexec|ping)$/.test(reference)
  )
    report(`chmod gives the mode of ${readable(reference)}`);
  const words = [operands(args)[0] ?? "", ...args.filter((arg) => /^-[ugoa]*[+=]/.test(arg))];
  const bits = words.map(bitsOf).reduce((all, some) => all | some, 0);
  if (bits === 0) return;
  // A directory that passes its group on is common; a program that runs as its group is not.
  const groupOnly = bits === SET_GROUP_ID;
  report(
    `chmod ${readable(args.join(" "))} sets the ${groupOnly ? "set-group-id" : "set-user-id"} bit`,
    groupOnly ? "warning" : undefined,
  );
}

/** Which of the set-id bits a mode sets. */
function bitsOf(mode: string): number {
  if (mode.length > 100) return 0;
  const octal = /^[+=]?([0-7]{4,8})$/.exec(mode)?.[1];
  if (octal !== undefined) return Number.parseInt(octal, 8) & (SET_USER_ID | SET_GROUP_ID);
  let bits = 0;
  for (const clause of mode.split(",")) {
    const [, who = "", what = ""] = /^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause) ?? [];
    // What follows a minus is taken away.
    for (const [part] of what.matchAll(/[-+=][rwxXstugo]*/g)) {
      if (part.startsWith("-") || !part.includes("s")) continue;
      if (who === "" || /[ua]/.test(who)) bits |= SET_USER_ID;
      if (who === "" || /[ga]/.test(who)) bits |= SET_GROUP_ID;
    }
  }
  return bits;
}

/** Whether a shell itself is told `-p`: what comes after a script, or after `-c`, belongs to that. */
function keepsRights(args: readonly string[]): boolean {
  const { given } = parseOptions(args, "+O:o:", ["rcfile", "init-file"]);
  return given.has("p") || given.has("privileged") || (given.get("o") ?? []).includes("privileged");
}
