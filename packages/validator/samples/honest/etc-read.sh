cat /etc/os-release
. /etc/os-release
echo $NAME
ls /etc/slurm
getent passwd $USER | cut -d: -f5
