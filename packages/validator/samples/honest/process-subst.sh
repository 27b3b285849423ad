#!/bin/bash
diff <(sort a.txt) <(sort b.txt) > delta.txt || true
comm -12 <(cut -f1 x.tsv | sort) <(cut -f1 y.tsv | sort) > common.txt
paste <(seq 10) <(shuf -i 1-100 -n 10) > table
