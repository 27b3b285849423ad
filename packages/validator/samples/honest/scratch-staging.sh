#!/bin/bash
SCR=/scratch/$USER/$SLURM_JOB_ID
mkdir -p "$SCR"
cp -r input/ "$SCR"/
cd "$SCR" || exit 1
"$SLURM_SUBMIT_DIR"/bin/model input/config.nml
rsync -av --exclude='*.tmp' output/ "$SLURM_SUBMIT_DIR"/output/
cd /
rm -rf "$SCR"
