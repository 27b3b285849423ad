#!/bin/bash
#SBATCH --array=1-100%10
QUERY=$(ls chunks/*.fasta | sed -n "${SLURM_ARRAY_TASK_ID}p")
OUT=results/$(basename "$QUERY" .fasta).tsv
export BLASTDB=/data/blast/db
blastp -query "$QUERY" -db nr -num_threads $SLURM_CPUS_PER_TASK -evalue 1e-5 -outfmt "6 qseqid sseqid pident length evalue bitscore" -out "$OUT"
