#!/bin/bash
. /opt/spack/share/spack/setup-env.sh
spack load hdf5 +mpi
eval $(spack load --sh netcdf-c)
h5dump -H out.h5
