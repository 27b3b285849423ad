#!/bin/bash
nvidia-smi --query-gpu=timestamp,utilization.gpu,memory.used --format=csv -l 10 > gpu.csv &
MON=$!
python train.py
kill $MON
