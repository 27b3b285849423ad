#!/bin/bash
#BSUB -J test
#BSUB -n 32
#BSUB -W 2:00
#BSUB -R "span[ptile=16] rusage[mem=2000]"
#BSUB -o %J.out
cat $LSB_DJOB_HOSTFILE | sort | uniq -c
mpiexec -n 32 ./a.out
