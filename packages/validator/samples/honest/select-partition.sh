#!/bin/bash
sinfo -o "%P %a %l %D"
sacct -j $SLURM_JOB_ID --format=JobID,Elapsed,MaxRSS
scontrol show job $SLURM_JOB_ID
scancel $OLD_JOB
scancel -u $USER --name=old
