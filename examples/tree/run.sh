#!/usr/bin/env bash
# Checks that the whole tree has arrived as it was packed, then adds to it.
set -euo pipefail

fail() {
  echo "tree: $1" >&2
  exit 1
}

[[ -x bin/tool.sh ]] || fail "bin/tool.sh has lost its executable bit"
[[ ! -x data/values.txt ]] || fail "data/values.txt has become executable"
[[ -L data/latest ]] || fail "data/latest is not a symlink"
[[ $(readlink data/latest) == deep/er/values.txt ]] || fail "data/latest points elsewhere"
[[ $(cat data/latest) == "deeper values" ]] || fail "data/latest leads to something else"
[[ $(cat data/values.txt) == "values" ]] || fail "data/values.txt has the wrong content"
[[ -f "data/deep/er/still deeper/a file with spaces.txt" ]] || fail "the name with spaces is missing"
[[ -f "data/größen/maße.txt" ]] || fail "the name with non-ASCII letters is missing"
cmp -s data/values.txt data/deep/er/values.txt && fail "two files of the same name have become one"

mkdir -p "results/größte Werte"
./bin/tool.sh > results/tool.txt
wc -c < "data/größen/maße.txt" > "results/größte Werte/bytes.txt"
ln -s ../data/values.txt results/input
echo "the tree is complete"
