#!/bin/bash
if [ -z "$INPUT" ]; then echo "INPUT is not set"; INPUT=default.in; fi
OUT="${INPUT%.in}.out"
[[ -n "${DEBUG:-}" ]] && set -x
./a.out < "$INPUT" > "$OUT"
