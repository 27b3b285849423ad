#!/bin/bash
numactl --hardware
numactl --interleave=all ./stream
cat /sys/kernel/mm/transparent_hugepage/enabled
taskset -c 0-7 ./bench
