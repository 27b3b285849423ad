export GAUSS_SCRDIR=$TMPDIR
export g16root=/opt
source $g16root/g16/bsd/g16.profile
g16 < input.com > output.log
formchk input.chk
