#!/bin/bash
module load matlab/R2023a
matlab -nodisplay -nosplash -nodesktop -r "try, run('main.m'), catch e, disp(getReport(e)), exit(1), end, exit(0)"
matlab -batch "parpool('local', str2num(getenv('SLURM_CPUS_PER_TASK'))); analysis"
