#!/bin/bash
usage() { echo "Usage: $0 [-n N] [-o DIR] file"; exit 1; }
n=10; out=.
while getopts "n:o:h" opt; do
  case $opt in
    n) n=$OPTARG ;;
    o) out=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
mkdir -p "$out"
./tool -n "$n" -o "$out" "$@"
