#!/bin/bash
echo -e "a\tb\tc" > header.tsv
echo -n "run " >> log
echo $((1 + 2)) ${RANDOM}
