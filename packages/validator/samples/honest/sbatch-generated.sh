cat > job.sbatch <<EOF
#!/bin/bash
#SBATCH -n 4
module load x
srun ./app $1
EOF
sbatch job.sbatch
