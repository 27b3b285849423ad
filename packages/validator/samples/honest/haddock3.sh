#!/bin/bash
#SBATCH -J haddock3
source $HOME/miniconda3/etc/profile.d/conda.sh
conda activate haddock3
cat > docking.cfg <<EOF
run_dir = "run1"
mode = "local"
ncores = ${SLURM_CPUS_PER_TASK}
molecules = ["data/receptor.pdb", "data/ligand.pdb"]
[topoaa]
[rigidbody]
sampling = 1000
EOF
haddock3 docking.cfg
tar czf run1.tgz run1 && rm -rf run1
