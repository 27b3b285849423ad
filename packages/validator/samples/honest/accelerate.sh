#!/bin/bash
accelerate launch --num_processes 8 --mixed_precision bf16 finetune.py --model_name_or_path ./llama --dataset ./data/train.jsonl
