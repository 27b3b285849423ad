# What the scripts have in common. To be sourced from the project's root.
# shellcheck shell=bash

say() {
  local bold="" plain=""
  [[ -t 2 ]] && bold=$'\033[1m' plain=$'\033[0m'
  printf '\n%s%s%s\n' "$bold" "$*" "$plain" >&2
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

require_node() {
  command -v node > /dev/null || die "Node.js is missing: install version 20.20.2 or later."
  node -e '
    const [major, minor, patch] = process.versions.node.split(".").map(Number);
    const old = major < 20 || (major === 20 && (minor < 20 || (minor === 20 && patch < 2)));
    process.exit(old ? 1 : 0);
  ' || die "Node.js $(node --version) is too old: install version 20.20.2 or later."
}

# Installs the dependencies, unless those of this lock file are there already.
install_dependencies() {
  local wanted stamp=node_modules/.jobctl-installed
  wanted=$(node -e '
    const { createHash } = require("node:crypto");
    const lock = require("node:fs").readFileSync("package-lock.json");
    console.log(createHash("sha256").update(lock).digest("hex"), process.versions.modules);
  ')
  [[ -f $stamp && $(< "$stamp") == "$wanted" ]] && return
  say "Installing dependencies"
  # Not "npm ci": it insists on the binaries of every platform, and a lock file that was made behind
  # a mirror may not name them all. Versions and digests still come from the lock file.
  npm install --no-save --no-audit --no-fund
  printf '%s\n' "$wanted" > "$stamp"
}

# Installs the sandbox on Debian and Ubuntu, where that needs no password. Without it jobs run as
# ordinary processes, and its tests are skipped.
install_sandbox() {
  command -v bwrap > /dev/null && return
  [[ $(uname -s) == Linux ]] && command -v apt-get > /dev/null || return 0
  local as_root=()
  if [[ $(id -u) != 0 ]]; then
    sudo -n true 2> /dev/null || {
      say "For a sandbox: sudo apt install bubblewrap"
      return 0
    }
    as_root=(sudo -n)
  fi
  say "Installing bubblewrap"
  { "${as_root[@]}" apt-get update && "${as_root[@]}" apt-get install --yes bubblewrap; } > /dev/null ||
    say "bubblewrap could not be installed; going on without it"
}

build() {
  npm run --silent build
}
