#!/bin/bash
module load lammps openmpi
cd $SLURM_SUBMIT_DIR
mpirun -np $SLURM_NTASKS lmp -in in.lj -log log.lammps -var T 300
rm -f tmp.dump core.*
