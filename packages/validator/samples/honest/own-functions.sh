#!/bin/bash
f() { eval "$1"; }; f "echo hello"
log() { echo "[$(date)] $*"; }; run() { log "$@"; "$@"; }; step() { run "$@"; }; step ./prog a b
walk() { for f in "$1"/*; do [ -d "$f" ] && walk "$f"; done; }; walk data
run() { echo "$@"; eval "$@"; }; run python x.py --in "$data"
