#!/bin/bash
for lig in ligands/*.pdbqt; do
  b=$(basename $lig .pdbqt)
  echo "Processing ligand $b"
  mkdir -p data/$b
  vina --config conf.txt --ligand $lig --out data/${b}/out.pdbqt --log data/${b}/log.txt
done
