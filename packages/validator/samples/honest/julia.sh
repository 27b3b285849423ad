#!/bin/bash
julia --project=. -e 'using Pkg; Pkg.instantiate()'
julia --threads=auto --project=. simulate.jl
