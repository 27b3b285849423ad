#!/bin/bash
snakemake --unlock
snakemake -j 100 --cluster "sbatch -p {cluster.partition} -t {cluster.time} -c {threads} --mem={cluster.mem}" --cluster-config cluster.yaml --latency-wait 60 --rerun-incomplete --keep-going
