#!/bin/bash
export NXF_OFFLINE=true
export NXF_OPTS='-Xms1g -Xmx4g'
nextflow run main.nf -profile singularity --input samples.csv --outdir results -resume
