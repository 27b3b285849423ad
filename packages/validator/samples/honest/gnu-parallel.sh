#!/bin/bash
parallel -j $SLURM_CPUS_PER_TASK --joblog jobs.log --resume './run_one.sh {} > logs/{/.}.log' ::: inputs/*.txt
seq 1 100 | parallel -n1 -P8 'python simulate.py --seed {} --out res/{}.json'
cat commands.txt | parallel -j 16
