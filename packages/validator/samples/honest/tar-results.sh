#!/bin/bash
tar --exclude='*.tmp' -czvf results_$SLURM_JOB_ID.tar.gz results/
tar xf inputs.tar --strip-components=1 -C work
zip -qr plots.zip plots
gunzip -k reads.fq.gz
zcat big.gz | head -n 1000 > sample.txt
base64 -w0 small.bin > small.b64
base64 -d small.b64 > copy.bin
