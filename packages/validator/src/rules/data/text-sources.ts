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
export const ENVIRONMENT_TOOLS =
  /^(conda|mamba|micromamba|modulecmd(\.tcl)?|lmod|spack|ssh-agent|scram\w*|direnv|pyenv|rbenv|nodenv|brew|opam|dircolors|register-python-argcomplete|aws_completer|starship|zoxide|mise|asdf|resize|tset|luarocks|perl|guix|nix|eb|thefuck|lesspipe|fzf|gh|kitty|pixi|rustup|cargo|jenv|nvm|module|ml|poetry|uv|virtualenvwrapper|julia|getopt|stty|echo|printf|python3?|dbus-launch|alienv|cvmfs\w*|gsettings|fixpath|which|basename|dirname|date|hostname|seq|sed|awk|grep|cat|head|tail|cut|wc)$/;
