snakemake --cores 8 --use-conda --rerun-incomplete --keep-going
