#!/bin/bash
#SBATCH -a 1-500
module load R/4.3
export R_LIBS_USER=$HOME/R/library
Rscript --vanilla bootstrap.R $SLURM_ARRAY_TASK_ID > out/boot_${SLURM_ARRAY_TASK_ID}.Rout 2>&1
R CMD BATCH --no-save --no-restore "--args seed=$SLURM_ARRAY_TASK_ID" sim.R
