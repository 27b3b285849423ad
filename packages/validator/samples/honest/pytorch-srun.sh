#!/bin/bash
#SBATCH --gres=gpu:4
eval "$(conda shell.bash hook)"
conda activate torch
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$(python -c 'import socket; s=socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
srun python train.py --epochs 10 --lr 1e-3 --data $TMPDIR/data
