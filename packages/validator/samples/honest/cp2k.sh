#!/bin/bash
ulimit -s unlimited
export OMP_STACKSIZE=512M
srun --hint=nomultithread cp2k.psmp -i input.inp -o output.log
