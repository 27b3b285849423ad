#!/bin/bash
export SPARK_LOCAL_DIRS=$TMPDIR
spark-submit --master "local[$SLURM_CPUS_PER_TASK]" --driver-memory 16g job.py input/ output/
