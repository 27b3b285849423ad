#!/bin/bash
charmrun +p$SLURM_NTASKS ++mpiexec namd2 +setcpuaffinity step.conf > step.log
namd3 +p8 +devices 0,1 prod.inp > prod.log
