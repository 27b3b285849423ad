#!/bin/bash
export NXF_OPTS='-Xms1g -Xmx4g'
export NXF_SINGULARITY_CACHEDIR=$SCRATCH/singularity
nextflow run nf-core/rnaseq -r 3.12.0 -profile singularity --input samplesheet.csv --outdir results -resume -with-report report.html
