#!/bin/bash
#SBATCH -p debug
hostname
sleep 10
srun hostname
