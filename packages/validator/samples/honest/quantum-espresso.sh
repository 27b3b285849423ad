#!/bin/bash
#SBATCH --ntasks=64
export ESPRESSO_TMPDIR=$TMPDIR/qe
mkdir -p "$ESPRESSO_TMPDIR"
for ecut in 30 40 50; do
  sed "s/ECUT/$ecut/" scf.in.tpl > scf.$ecut.in
  mpirun -np 64 pw.x -nk 4 -in scf.$ecut.in > scf.$ecut.out
  grep '!' scf.$ecut.out | awk '{print $5}' >> energies.dat
done
rm -rf "$TMPDIR"/qe
