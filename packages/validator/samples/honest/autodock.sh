for lig in ligands/*.pdbqt; do
  base=$(basename "$lig" .pdbqt)
  vina --receptor rec.pdbqt --ligand "$lig" --config conf.txt --out out/${base}_out.pdbqt --log out/$base.log
done
