#!/bin/bash -l
for d in */; do
  ( cd "$d" && mpirun -np 32 vasp_std > vasp.out )
done
