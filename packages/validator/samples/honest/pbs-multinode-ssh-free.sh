#!/bin/sh
#PBS -q workq
NODES=$(sort -u $PBS_NODEFILE)
echo "Running on: $NODES"
pbsdsh -- hostname
mpiexec --hostfile $PBS_NODEFILE ./wrf.exe
tail -n 50 rsl.error.0000
