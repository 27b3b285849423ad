singularity exec --nv -B $PWD:/data image.sif python /data/run.py
apptainer run docker://ubuntu:22.04 echo hi
