#!/bin/bash
#SBATCH -n 64
ulimit -s unlimited
ulimit -c 0
module load intel/2021 vasp/6.3
for i in 1 2 3; do
  mpiexec.hydra -np 64 vasp_std > vasp.out
  if grep -q "reached required accuracy" OUTCAR; then break; fi
  cp CONTCAR POSCAR
done
rm -f WAVECAR CHG CHGCAR
