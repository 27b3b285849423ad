#!/bin/bash
for n in 1 2 4 8; do
cat > job_$n.sh <<EOF
#!/bin/bash
#SBATCH -N $n
#SBATCH -t 01:00:00
module load openmpi
mpirun ./bench --nodes $n
EOF
sbatch job_$n.sh
done
