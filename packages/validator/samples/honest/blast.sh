#!/bin/bash
export BLASTDB=/data/blastdb
blastp -query in.fa -db nr -num_threads $(nproc) -outfmt '6 qseqid sseqid evalue' -out hits.tsv
sort -k3,3g hits.tsv | head -n 100 > top.tsv
