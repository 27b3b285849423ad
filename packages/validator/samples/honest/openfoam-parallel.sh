#!/bin/bash
cd ${0%/*} || exit 1
. $WM_PROJECT_DIR/bin/tools/RunFunctions
. /opt/openfoam10/etc/bashrc
rm -rf processor* 0 postProcessing
cp -r 0.orig 0
runApplication blockMesh
runApplication decomposePar
runParallel $(getApplication)
runApplication reconstructPar -latestTime
foamLog log.simpleFoam >/dev/null 2>&1
find . -name "*.gz" -prune -o -type d -name "processor*" -exec rm -rf {} +
