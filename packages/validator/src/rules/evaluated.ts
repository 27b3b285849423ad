import type { Found } from "./report.js";

/** Commands that bring something from the network. */
export const FETCHERS: ReadonlySet<string> = new Set([
  ...["curl", "wget", "wget2", "fetch", "aria2c", "lynx", "nc", "ncat", "netcat", "socat", "ftp"],
  ...["lftp", "ssh", "telnet", "dig", "nslookup", "w3m", "http"],
]);

/** Commands that turn text into other text that cannot be told from the script. */
export const DECODERS: ReadonlySet<string> = new Set([
  ...["base64", "base32", "xxd", "openssl", "gunzip", "zcat", "gzip", "bunzip2", "bzcat", "xz"],
  ...["xzcat", "zstd", "zstdcat", "uudecode", "rev", "tr", "od", "hexdump", "perl", "python"],
  ...["python3", "gpg", "unxz", "lzma", "tac"],
]);

/** Those that do nothing else. */
export const TEXT_DECODERS: ReadonlySet<string> = new Set([
  ...["base64", "base32", "xxd", "openssl", "uudecode", "gpg"],
]);

/** Text that tools print for a shell to evaluate, so that it sets up an environment. */
const ENVIRONMENT_TOOLS =
  /^(conda|mamba|micromamba|modulecmd(\.tcl)?|lmod|spack|ssh-agent|scram\w*|direnv|pyenv|rbenv|nodenv|brew|opam|dircolors|register-python-argcomplete|aws_completer|starship|zoxide|mise|asdf|resize|tset|luarocks|perl|guix|nix|eb|thefuck|lesspipe|fzf|gh|kitty|pixi|rustup|cargo|jenv|nvm|module|ml|poetry|uv|virtualenvwrapper|julia|getopt|stty|echo|printf|python3?|dbus-launch|alienv|cvmfs\w*|gsettings|fixpath|which|basename|dirname|date|hostname|seq|sed|awk|grep|cat|head|tail|cut|wc)$/;

/** `eval "$(conda shell.bash hook)"` is how environments are set up; other output is anything. */
export function runsDecoded(names: readonly string[], found: Found): void {
  if (names.some((name) => FETCHERS.has(name)))
    found("EXEC-NET-PIPE", "what comes from the network is run");
  else if (
    names.some((name) => DECODERS.has(name) && !/^(perl|python3?|tr)$/.test(name)) ||
    (names.length > 0 && names.every((name) => name === "tr"))
  )
    found("EXEC-PIPE-SHELL", "decoded text is run");
  else if (!names.some((name) => ENVIRONMENT_TOOLS.test(name)))
    found("EXEC-EVAL", "the output of another command is run");
}
