#!/bin/bash
#PBS -l nodes=1:ppn=16
export g16root=/opt/g16
. $g16root/bsd/g16.profile
export GAUSS_SCRDIR=/scratch/$USER/$PBS_JOBID
mkdir -p $GAUSS_SCRDIR
cd $PBS_O_WORKDIR
for f in *.gjf; do
  g16 < $f > ${f%.gjf}.log
  formchk ${f%.gjf}.chk
done
rm -rf $GAUSS_SCRDIR
