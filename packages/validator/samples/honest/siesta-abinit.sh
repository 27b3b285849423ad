#!/bin/sh
mpirun -np 8 siesta < input.fdf | tee output.log
abinit run.abi >& run.log
