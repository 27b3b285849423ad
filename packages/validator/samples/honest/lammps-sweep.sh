#!/bin/bash
#SBATCH --array=0-9
temps=(100 200 300 400 500 600 700 800 900 1000)
T=${temps[$SLURM_ARRAY_TASK_ID]}
mkdir -p run_$T && cd run_$T
sed "s/@TEMP@/$T/g" ../in.template > in.lammps
srun --mpi=pmix lmp -in in.lammps -var seed $RANDOM -log log.$T
grep -A 1000 "Step Temp" log.$T | awk '/Loop/ {exit} {print}' > thermo.$T
