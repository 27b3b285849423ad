source ~/miniconda3/etc/profile.d/conda.sh
conda activate env
python run.py
conda deactivate
