#!/bin/bash
dask-scheduler --scheduler-file sched.json &
sleep 5
for i in 1 2 3; do dask-worker --scheduler-file sched.json --nthreads 4 & done
python analysis.py --scheduler-file sched.json
kill %1
