#!/bin/bash
torchrun --nproc_per_node=4 --nnodes 1 train.py --batch-size 32 2>&1 | tee train.log
