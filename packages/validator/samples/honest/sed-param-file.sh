#!/bin/bash
LINE=$(sed -n "${SLURM_ARRAY_TASK_ID}p" params.txt)
read -r alpha beta gamma <<< "$LINE"
./simulate --alpha $alpha --beta $beta --gamma $gamma > out.$SLURM_ARRAY_TASK_ID
