#!/bin/bash
rm -rf output/ tmp_* *.o
rm -f core.*
rm -r ./old_results
rm -rf "${OUTDIR:?}"/cache
rm -rf -- "$SLURM_TMPDIR"/*
rm /tmp/lockfile_$USER
find . -name '*.pyc' -delete
find results -type f -size 0 -exec rm -f {} \;
find "$TMPDIR" -mindepth 1 -delete
