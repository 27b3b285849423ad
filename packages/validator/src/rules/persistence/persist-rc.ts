import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
import { reportWrite } from "../shared/protected.js";
import { isMachineStartupFile } from "../shared/startup-files.js";
import type { Rule } from "../../rule.js";
import { parseOptions } from "../shared/options.js";

/** Settings of git that are run as commands, or name what is. */
const RUNS =
  /^(core\.(hookspath|sshcommand|pager|editor|askpass|fsmonitor|gitproxy|worktree)|init\.templatedir|sequence\.editor|gpg\.program|diff\.external|filter\..+\.(clean|smudge|process)|(merge|diff)\..+\.(driver|command|textconv)|credential\.(.+\.)?helper|url\..+\.insteadof|include(if\..+)?\.path|alias\..+|pager\..+)$/i;

export const rule = {
  id: "PERSIST-RC",
  family: "persistence",
  severity: "error",
  why: "changes what happens when somebody logs in or starts a program",
  fix: "Set what the job needs in run.sh.",
  checkFile: (use, report) => {
    const { normal, access } = use;
    if (access !== "write") return;
    const place = protectedPlace(normal);
    if (
      place === "rc" ||
      (place === "etc" && isMachineStartupFile(normal)) ||
      /(^|\/)\.git\/hooks\//.test(normal)
    )
      reportWrite(use, report);
  },
  commands: ["git", "pip", "pip3", "npm", "yarn"],
  check: ({ name, args }, report) => {
    const { given, operands } = parseOptions(args, "+C:c:f:", ["git-dir", "file"]);
    if (name !== "git") {
      const [verb = "", next = "", key = ""] = operands;
      if (verb === "config" && next === "set" && /(registry|index-url|script-shell)$/.test(key))
        report(`${name} is told to take packages or programs from elsewhere`, "warning");
      return;
    }
    const said = operands[0] === "config" ? setting(operands.slice(1)) : null;
    const once = (given.get("c") ?? []).find((text) =>
      /^core\.hookspath=(?!\/dev\/null$)/i.test(text),
    );
    if (once !== undefined) report("git is told to run other hooks");
    if (said === null || !RUNS.test(said.key.slice(0, 200))) return;
    // Hooks that are part of a repository are its own.
    const own = /^core\.hookspath$/i.test(said.key) && /^\.?\w/.test(said.value);
    if (own && !args.includes("--global") && !args.includes("--system")) return;
    // Aliases and helpers run commands only where they say so.
    const harmless = /^(alias|credential|pager)\.|^core\.(pager|editor)$/i.test(said.key);
    const command = /^!|^(\.|\/tmp\/|\/dev\/shm\/|\/var\/tmp\/)|[;&|`$]/.test(said.value);
    const elsewhere = /insteadof$/i.test(said.key);
    if ((!harmless && !elsewhere) || command)
      report(`git runs ${readable(said.value)} from then on`);
  },
  examples: {
    dangerous: [
      "echo ./x >> ~/.bashrc",
      "echo ./x > ~/.config/fish/config.fish",
      "cp x.desktop ~/.config/autostart/",
      "echo x > ~/.local/lib/python3.11/site-packages/x.pth",
      "cp hook /home/alice/.local/lib/python3.9/site-packages/usercustomize.py",
      "echo ./x > ~/.xinitrc",
      "cp x .git/hooks/post-merge",
      "cp x ~/bin/sudo",
      "cd ~ && echo ./x >> .profile",
      "git config --global core.sshCommand ./x",
      "git config --global alias.st '!./x'",
    ],
    honest: [
      "cat ~/.bashrc",
      "source ~/.bashrc",
      "mkdir -p ~/.config/matplotlib",
      "cp tool ~/bin/",
      "git config --global user.name me",
      "git config alias.st status",
      "git config --get core.hooksPath",
      "git config core.hooksPath .githooks",
      "echo x > site-packages/x.pth",
    ],
  },
} as const satisfies Rule;

/** The setting that `git config` writes; null where it reads. */
function setting(args: readonly string[]): { readonly key: string; readonly value: string } | null {
  const { operands } = parseOptions(args, "f:", ["file", "type"]);
  const [key = "", value] = operands[0] === "set" ? operands.slice(1) : operands;
  const reads = args.some((arg) => /^--(get|list|unset|remove)/.test(arg));
  return value === undefined || reads ? null : { key, value };
}
