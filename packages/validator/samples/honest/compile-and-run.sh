#!/bin/bash
make clean
make -j$(nproc) CFLAGS="-O3 -march=native" || { echo "build failed" >&2; exit 1; }
gcc -O2 -fopenmp -o pi pi.c -lm
export OMP_NUM_THREADS=$(nproc)
time ./pi 1000000000
