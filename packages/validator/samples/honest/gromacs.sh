#!/bin/bash
#SBATCH --job-name=md
#SBATCH --nodes=2
set -euo pipefail
module purge
module load gromacs/2023.3
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-4}
gmx grompp -f md.mdp -c npt.gro -t npt.cpt -p topol.top -o md.tpr
srun gmx_mpi mdrun -deffnm md -ntomp $OMP_NUM_THREADS -maxh 23.5
echo -e "Protein\nSystem" | gmx trjconv -s md.tpr -f md.xtc -o md_noPBC.xtc -pbc mol -center
