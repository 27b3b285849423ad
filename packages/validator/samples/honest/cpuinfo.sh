grep -c processor /proc/cpuinfo
cat /proc/meminfo | head -n 3
nproc
uname -a
hostname
ls /sys/class/net | wc -l
cat /sys/devices/system/cpu/online
