import type { NetworkProgram } from "./network-program.js";

const VERBS = ["install", "create", "update", "upgrade", "add", "sync", "get", "download"];
const does = "installs packages";

/** Programs that get software. */
export const INSTALL: readonly NetworkProgram[] = [
  { names: ["pip*", "uv", "pipx", "poetry", "pdm", "rye"], verbs: VERBS, does },
  { names: ["uv"], verbs: ["pip install", "pip sync", "tool install", "python install"], does },
  { names: ["python*", "pypy*"], verbs: ["pip install", "pip download"], does },
  { names: ["conda", "mamba", "micromamba"], verbs: [...VERBS, "env create", "env update"], does },
  { names: ["npm", "pnpm", "yarn", "bun"], verbs: [...VERBS, "ci", "i"], does },
  { names: ["npx", "bunx", "uvx"], does: "fetches and runs a package", argument: /^[@\w]/ },
  { names: ["gem", "cargo", "luarocks", "opam", "spack"], verbs: VERBS, does },
  { names: ["apt", "apt-get", "aptitude", "yum", "dnf", "zypper"], verbs: VERBS, does },
  { names: ["apk", "brew", "snap", "flatpak"], verbs: VERBS, does },
  { names: ["cpan", "cpanm", "easy_install", "cpanplus"], does, argument: /^[A-Z@]/ },
  { names: ["easy_install"], does, argument: /^\w/ },
  { names: ["bundle", "bundler", "composer"], verbs: VERBS, does },
  { names: ["stack", "cabal", "raco"], verbs: ["install", "update", "setup"], does },
  { names: ["mvn", "gradle"], verbs: ["dependency:get"], does },
  { names: ["go"], verbs: ["get", "install", "mod"], does },
  { names: ["nix-env"], does, argument: /^(-i\w?|--install)$/ },
  { names: ["guix"], verbs: ["install", "package -i", "pull"], does },
  { names: ["rustup", "nvm", "pyenv"], verbs: ["install", "update"], does },
  { names: ["dpkg"], does, argument: /^(-i|--install)$/ },
  { names: ["rpm"], does, argument: /^(-[iUF][vh]*|--install|--upgrade)$/ },
  { names: ["pacman", "yay", "paru"], does, argument: /^(-S\w*|--sync)$/ },
  { names: ["ansible-galaxy", "helm", "terraform"], verbs: ["install", "init", "pull"], does },
  { names: ["docker-machine", "vagrant"], verbs: ["create", "up"], does },
];
