#!/bin/bash
echo "Host: $(hostname)  Date: $(date)"
grep -m1 "model name" /proc/cpuinfo
grep MemTotal /proc/meminfo
cat /proc/self/status | grep Cpus_allowed_list
cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq 2>/dev/null
lscpu | head -20; free -g; df -h . ; uname -a; nproc; cat /etc/os-release
env | sort > env.txt
ulimit -a
