#!/bin/bash
#SBATCH --gres=gpu:1
singularity run --nv -B $ALPHAFOLD_DATA_PATH:/data -B .:/etc --pwd /app/alphafold $CONTAINER --fasta_paths=$PWD/target.fasta --max_template_date=2022-01-01 --db_preset=full_dbs --model_preset=multimer --output_dir=/scratch/$USER/af2
