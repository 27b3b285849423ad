source /etc/profile.d/modules.sh
. /usr/share/lmod/lmod/init/bash
module purge
module load gcc/12 openmpi/4.1
module list 2>&1
