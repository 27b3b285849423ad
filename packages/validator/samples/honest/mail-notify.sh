#!/bin/bash
./run
echo "job $SLURM_JOB_ID done" > done.txt
