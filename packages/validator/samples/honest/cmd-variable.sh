#!/bin/bash
CMD="python train.py --lr 0.1 --epochs 10"
echo "$CMD"
eval $CMD
ARGS=(--batch 32 --workers 4)
python eval.py "${ARGS[@]}"
