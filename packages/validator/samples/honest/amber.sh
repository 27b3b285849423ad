#!/bin/bash
source $AMBERHOME/amber.sh
pmemd.cuda -O -i min.in -o min.out -p sys.prmtop -c sys.inpcrd -r min.rst
cpptraj -p sys.prmtop <<_EOF
trajin prod.nc
rms first @CA
run
_EOF
