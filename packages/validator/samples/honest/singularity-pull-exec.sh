#!/bin/bash
module load singularity
if [ ! -f image.sif ]; then singularity pull image.sif docker://ubuntu:22.04; fi
singularity exec --bind /scratch:/scratch,/data --nv image.sif python3 /opt/run.py
apptainer run --cleanenv --containall -B "$PWD":/work image.sif bash -c "cd /work && ./process.sh input.dat"
