#!/bin/bash
export WANDB_API_KEY=offline
export AWS_EC2_METADATA_DISABLED=true
export MYSQL_PORT=3306
python - <<EOF
import os
print(os.environ["HOME"])
print(os.environ.get("SLURM_JOB_ID"))
EOF
