#!/bin/bash
#PBS -N gromacs
#PBS -l select=4:ncpus=24:mpiprocs=24
#PBS -l walltime=48:00:00
#PBS -j oe
cd $PBS_O_WORKDIR
module load apps/gromacs
NP=$(wc -l < $PBS_NODEFILE)
mpirun -np $NP -machinefile $PBS_NODEFILE mdrun_mpi -s topol.tpr -maxh 47 &> md.log
tail -n 20 md.log
