#!/bin/bash
#SBATCH --job-name=md
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=32
#SBATCH --time=24:00:00
#SBATCH --mail-type=END,FAIL
#SBATCH --mail-user=someone@example.org
set -euo pipefail
module purge
module load gcc/12 openmpi gromacs/2023.3
cd "$SLURM_SUBMIT_DIR"
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
printf "1\n1\n" | gmx trjconv -s md.tpr -f md.xtc -o fit.xtc -fit rot+trans
echo "Protein System" | gmx editconf -f conf.gro -o box.gro -bt cubic -d 1.0
gmx grompp -f em.mdp -c solv_ions.gro -p topol.top -o em.tpr -maxwarn 1
srun gmx_mpi mdrun -v -deffnm em
for step in nvt npt md; do
  gmx grompp -f ${step}.mdp -c prev.gro -r prev.gro -p topol.top -o ${step}.tpr
  srun gmx_mpi mdrun -deffnm ${step} -cpi ${step}.cpt -maxh 23.5
  cp ${step}.gro prev.gro
done
rm -f \#*\# step*.pdb
