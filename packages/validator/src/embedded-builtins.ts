/**
 * Texts that builtins of bash, terminal multiplexers and the like run: what stands in their options, or behind
 * their verbs.
 */
export function builtinTexts(name: string, args: readonly string[]): string[] {
  const texts = VARIABLE_BUILTINS.has(name) ? args.flatMap(indexTexts) : [];
  const option = OPTION_TEXTS[name];
  if (option !== undefined) texts.push(...valuesOf(args, option));
  switch (name) {
    case "compgen":
    case "complete":
      // Words that are expanded.
      texts.push(...valuesOf(args, "-W").map((words) => `: "${words.replaceAll('"', "")}"`));
      break;
    case "bind":
      texts.push(...valuesOf(args, "-x").map((key) => key.replace(/^[^:]*:\s?/, "")));
      break;
    case "screen":
      texts.push(...screenTexts(args));
      break;
    case "tmux":
      texts.push(...tmuxTexts(args));
      break;
    case "hyperfine":
    case "entr":
    case "tsp":
    case "ts":
    case "concurrently":
    case "foreman":
      texts.push(...args.filter((arg) => arg.includes(" ")));
      break;
    default:
      break;
  }
  return texts;
}

/** Options whose value is run, by builtin. */
const OPTION_TEXTS: Readonly<Record<string, string>> = {
  compgen: "-C",
  complete: "-C",
  mapfile: "-C",
  readarray: "-C",
  fc: "-e",
};

/** Builtins that take the name of a variable, the index of which is worked out as arithmetic is. */
const VARIABLE_BUILTINS = new Set([
  ...["test", "[", "printf", "read", "unset", "declare", "typeset", "local", "export", "readonly"],
  ...["let", "wait", "mapfile", "readarray", "getopts"],
]);

/** `a[$(command)]`: the command inside an index. */
export function indexTexts(text: string): string[] {
  return /^\w+\[.*(\$\(|`)/s.test(text) ? [`: "${text.replaceAll('"', "")}"`] : [];
}

function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, at) => {
    if (arg === option) return [args[at + 1] ?? ""];
    return arg.startsWith(option) ? [arg.slice(option.length)] : [];
  });
}

function screenTexts(args: readonly string[]): string[] {
  const at = args.indexOf("-X");
  if (at === -1) return [];
  const [verb = "", ...words] = args.slice(at + 1);
  if (!/^(stuff|exec|screen|eval)$/.test(verb)) return [];
  const text = words.join(" ").replace(/\\n|\\r|\\015|\\012|\^M/g, "\n");
  return [text.replace(/^\s*(screen|exec|stuff)\s+/, "")];
}

const TMUX_VERBS =
  /^(new|new-session|neww|new-window|splitw|split-window|respawnp|respawn-pane|respawnw|respawn-window|run|run-shell|popup|display-popup|if|if-shell|pipep|pipe-pane|send|send-keys)$/;
const TMUX_VALUED = /^-(?=[stncxyeFlhwdT]$)[stncxyeFT]$/;
const TMUX_KEYS = /^(Enter|C-m|C-j|KPEnter|Escape|Tab|Space)$/;

function tmuxTexts(args: readonly string[]): string[] {
  const at = args.findIndex((arg) => TMUX_VERBS.test(arg));
  if (at === -1) return [];
  const words: string[] = [];
  for (let next = at + 1; next < args.length; next += 1) {
    const word = args[next] ?? "";
    if (TMUX_VALUED.test(word)) next += 1;
    else if (TMUX_KEYS.test(word)) words.push("\n");
    else if (!word.startsWith("-")) words.push(word);
  }
  return [words.join(" ")];
}
