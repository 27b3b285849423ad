#!/bin/bash
ps -u $USER -o pid,pcpu,pmem,comm
top -b -n 1 | head -n 15
pgrep -u $USER python
