#!/bin/bash
$LAUNCHER ./prog in.dat
${MPIRUN:-mpirun} -np 4 ./prog
PYTHON=$(which python3 || which python); $PYTHON x.py
SOLVER=$(ls -t solver_* | head -1); ./$SOLVER in
exe=$(realpath ./bin/solver); srun $exe in.nml
MPI=$(command -v srun || echo mpirun); $MPI ./prog
NODE=$(hostname | cut -d. -f1); ./start-$NODE
n=$(wc -l < list.txt); ./prog_$n
