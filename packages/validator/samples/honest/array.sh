#!/bin/bash
#SBATCH --array=1-10
FILES=(data/*.txt)
FILE=${FILES[$SLURM_ARRAY_TASK_ID - 1]}
line=$(sed -n "${SLURM_ARRAY_TASK_ID}p" params.txt)
read -r alpha beta <<< "$line"
./simulate --alpha $alpha --beta $beta "$FILE" > out.$SLURM_ARRAY_TASK_ID
