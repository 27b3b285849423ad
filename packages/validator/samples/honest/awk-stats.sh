#!/bin/bash
awk -F, 'NR>1 {s+=$3; n++} END {printf "mean %.3f over %d\n", s/n, n}' data.csv
awk '{ if ($2 > 0.5) print $1 > "high.txt"; else print $1 > "low.txt" }' scores.txt
awk '{ print $1 | "sort -u" }' names.txt
