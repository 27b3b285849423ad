#!/bin/bash -l
#$ -N qe
#$ -pe mpi 40
#$ -l h_rt=12:00:00
export ESPRESSO_TMPDIR=$TMPDIR
export OMP_NUM_THREADS=1
for k in 4 6 8; do
cat > scf.$k.in << EOF
&control
  calculation='scf'
  outdir='$TMPDIR'
  prefix='si'
/
&system
  ibrav=2, celldm(1)=10.2, nat=2, ntyp=1, ecutwfc=30
/
K_POINTS automatic
$k $k $k 0 0 0
EOF
mpirun -np $NSLOTS pw.x -nk 4 < scf.$k.in > scf.$k.out
grep '!' scf.$k.out | tail -1 >> energies.dat
done
rm -rf $TMPDIR/si.*
