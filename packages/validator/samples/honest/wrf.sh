#!/bin/bash
ulimit -s unlimited
ln -sf ../met_em/met_em* .
ln -sf /data/wrf/run/*.TBL .
mpirun -np 4 ./real.exe && mpirun -np 128 ./wrf.exe
mv wrfout_d0* ../output/
