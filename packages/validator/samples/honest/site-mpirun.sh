$MPIRUN -np 4 ./app input
${LAUNCHER:-srun} ./app
