rm -rf results/ old/*.log
rm -f *.tmp ./*.o
rm -r build
rm -rf "${SCRATCH:?}/run1"
rm -rf $SCRATCHDIR/tmp.$SLURM_JOB_ID
find . -name '*.pyc' -delete
find "$TMPDIR" -type f -mtime +1 -exec rm {} +
