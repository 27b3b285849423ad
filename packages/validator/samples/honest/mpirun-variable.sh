#!/bin/bash
MPIRUN=${MPIRUN:-mpirun}
EXE=$HOME/bin/solver
NP=${SLURM_NTASKS:-4}
LAUNCH="$MPIRUN -np $NP --bind-to core"
$LAUNCH $EXE -c config.xml
${PREFIX}mpiexec -n 4 ./a.out
