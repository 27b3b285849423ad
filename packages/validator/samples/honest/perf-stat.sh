#!/bin/bash
perf stat -e cycles,instructions ./app
/usr/bin/time -v ./app input 2> time.txt
valgrind --tool=massif ./app small
strace -c -f ./app tiny 2> strace.txt
