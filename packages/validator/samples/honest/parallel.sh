parallel -j 8 ./process {} ::: data/*.csv
ls *.fa | xargs -n 1 -P 4 -I {} ./align {}
seq 1 10 | xargs -I{} mkdir -p run_{}
