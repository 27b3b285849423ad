log() { echo "[$(date +%T)] $*" >&2; }
run() { log "$@"; "$@"; }
run ./step1
run ./step2 --fast
