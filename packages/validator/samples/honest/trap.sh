#!/bin/bash
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
trap 'echo "$?" > .orchestrator.exit' EXIT
cp input.dat "$WORK"
cd "$WORK" || exit 1
./a.out
cp result.dat "$OLDPWD"
