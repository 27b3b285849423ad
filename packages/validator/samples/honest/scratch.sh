export SCRATCH=/scratch/$USER/$SLURM_JOB_ID
mkdir -p $SCRATCH
cp -r input/* $SCRATCH/
cd $SCRATCH
./a.out
cp -r output $SLURM_SUBMIT_DIR/
cd / && rm -rf $SCRATCH
