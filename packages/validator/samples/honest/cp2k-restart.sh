#!/bin/bash
#SBATCH --signal=B:USR1@300
handler() { echo "saving"; touch EXIT; wait "$pid"; sbatch "$0"; exit 0; }
trap handler USR1
srun cp2k.psmp -i input.inp -o output.out &
pid=$!
wait $pid
