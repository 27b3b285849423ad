#!/bin/bash
ifort -qopenmp -O3 main.f90 -o main.x
export KMP_AFFINITY=compact OMP_STACKSIZE=512M
./main.x < input.nml | tee run.log
