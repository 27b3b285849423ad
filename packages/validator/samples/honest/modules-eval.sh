#!/bin/bash
source /etc/profile.d/modules.sh
eval `/usr/bin/modulecmd bash load gcc/9`
module use /opt/modulefiles
ml load Python/3.10 SciPy-bundle
module list
