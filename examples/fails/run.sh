#!/usr/bin/env bash
# A job that fails half-way: its output and its log are kept all the same.
echo "the first half worked" > half.txt
echo "cannot go on: the second half needs a licence" >&2
exit 7
