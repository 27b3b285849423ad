python run_alphafold.py --fasta_paths=target.fasta --data_dir=/data/alphafold --output_dir=$PWD/out --model_preset=monomer --use_gpu_relax=true
