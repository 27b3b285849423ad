#!/bin/bash
hostfile=hosts.txt
scontrol show hostnames $SLURM_JOB_NODELIST | awk '{print $1" slots=8"}' > $hostfile
deepspeed --hostfile $hostfile --master_port 29501 pretrain.py --deepspeed ds_config.json
