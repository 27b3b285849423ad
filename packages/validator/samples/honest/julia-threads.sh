#!/bin/bash
export JULIA_NUM_THREADS=$SLURM_CPUS_PER_TASK
julia --project=. -e 'using Pkg; Pkg.instantiate()'
julia --project=. --threads auto scripts/simulate.jl --n 1000
