#!/bin/bash
export PATH=/opt/orca:$PATH LD_LIBRARY_PATH=/opt/openmpi/lib:$LD_LIBRARY_PATH
tdir=$(mktemp -d /scratch/${USER}/orcajob_XXXXXX)
trap 'cp $tdir/*.gbw $tdir/*.xyz $SLURM_SUBMIT_DIR; rm -rf "$tdir"' EXIT
cp $SLURM_SUBMIT_DIR/*.inp $tdir/
cd $tdir
$(which orca) job.inp > $SLURM_SUBMIT_DIR/job.out
