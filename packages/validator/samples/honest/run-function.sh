#!/bin/bash
log() { printf '[%s] %s\n' "$(date '+%F %T')" "$*"; }
run() { log "running: $*"; "$@" || { log "failed: $*"; exit 1; }; }
die() { echo "$1" >&2; exit 1; }
[ -d data ] || die "no data"
run ./prepare data
run python3 fit.py --iterations 100
run gzip -9 result.txt
