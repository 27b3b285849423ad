import { JobctlError } from "@jobctl/protocol/error";
import type { Command } from "commander";

import { runCommand, type CommonFlags } from "../command.js";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** What can follow a command: its subcommands, or its options. */
interface Words {
  /** Commands that lead here, such as `agents load`. */
  readonly path: string;
  readonly words: readonly string[];
}

export async function completion(
  shell: string,
  flags: CommonFlags,
  program: Command,
): Promise<void> {
  await runCommand(flags, async ({ output }) => {
    if (!isShell(shell)) {
      throw new JobctlError("usage", `there is no completion for ${JSON.stringify(shell)}`, {
        hint: `There are: ${SHELLS.join(", ")}.`,
      });
    }
    const script = scriptFor(shell, wordsOf(program, ""));
    if (output.flags.json) output.json({ schema: "jobctl.completion/v1", shell, script });
    else output.line(script);
  });
}

function isShell(text: string): text is Shell {
  return (SHELLS as readonly string[]).includes(text);
}

function wordsOf(command: Command, path: string): Words[] {
  const own = command.commands.map((child) => child.name());
  const options = command.options.flatMap(({ long }) => (long == null ? [] : [long]));
  const below = command.commands.flatMap((child) =>
    wordsOf(child, `${path} ${child.name()}`.trim()),
  );
  return [{ path, words: own.length > 0 ? own : options }, ...below];
}

function scriptFor(shell: Shell, all: readonly Words[]): string {
  switch (shell) {
    case "bash":
      return bash(all);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(all)}`;
    case "fish":
      return fish(all);
  }
}

function bash(all: readonly Words[]): string {
  const cases = all.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  return `_jobctl() {
  local path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) case "$path" in ""|agents|config) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _jobctl jobctl`;
}

function fish(all: readonly Words[]): string {
  return all
    .flatMap(({ path, words }) => {
      const names = path.split(" ").filter((name) => name !== "");
      const condition =
        names.length === 0
          ? "__fish_use_subcommand"
          : names.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ");
      return words.map((word) => {
        const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
        return `complete -c jobctl -n '${condition}' ${what}`;
      });
    })
    .join("\n");
}
