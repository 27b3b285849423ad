#!/bin/bash
module load cuda/11.8 cudnn/8.6
source venv/bin/activate
export XLA_FLAGS=--xla_gpu_cuda_data_dir=$CUDA_HOME
export TF_CPP_MIN_LOG_LEVEL=2
python -c "import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))"
python main.py --epochs 50 --batch-size 256 --data ./data --save ./checkpoints
deactivate
