#!/bin/bash
tmp=$(mktemp -d)
cleanup() { rm -rf "$tmp"; }
trap cleanup EXIT INT TERM
sort -T "$tmp" big.txt > sorted.txt
