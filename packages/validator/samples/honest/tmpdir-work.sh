#!/bin/bash
work="$TMPDIR"/work
mkdir -p "$work"
cp data.tar.gz "$work" && tar -xzf "$work"/data.tar.gz -C "$work"
./analyze "$work" > summary.txt
rm -rf "$TMPDIR"/work
