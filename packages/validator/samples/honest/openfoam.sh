#!/bin/bash
source /opt/openfoam10/etc/bashrc
blockMesh > log.blockMesh 2>&1
decomposePar -force > log.decomposePar 2>&1
mpirun -np 16 simpleFoam -parallel > log.simpleFoam 2>&1
reconstructPar -latestTime
rm -rf processor*
