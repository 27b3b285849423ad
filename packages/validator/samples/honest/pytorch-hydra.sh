#!/usr/bin/env bash
set -x
export PYTHONPATH=$PWD:$PYTHONPATH
export WANDB_MODE=offline
export HF_HOME=/scratch/$USER/hf
for seed in 0 1 2 3 4; do
  for lr in 1e-3 1e-4; do
    python -u train.py seed=$seed optimizer.lr=$lr trainer.max_epochs=100 2>&1 | tee logs/seed${seed}_lr${lr}.log
  done
done
