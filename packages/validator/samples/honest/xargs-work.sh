#!/bin/bash
find data -name '*.csv' -print0 | xargs -0 -n 1 -P 8 python3 convert.py
ls *.bam | xargs -I{} samtools index {}
cut -f1 list.txt | xargs -I % sh -c 'gzip -c raw/%.txt > packed/%.gz'
