#!/bin/bash
jid1=$(sbatch --parsable step1.sh)
jid2=$(sbatch --parsable --dependency=afterok:$jid1 step2.sh)
sbatch --dependency=afterany:$jid2 cleanup.sh
squeue -u $USER -o "%.10i %.20j %.2t"
