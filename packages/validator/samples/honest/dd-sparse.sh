#!/bin/bash
dd if=/dev/zero of=test.img bs=1M count=100
dd if=raw.dat of=header.bin bs=512 count=1
head -c 1M /dev/urandom > random.bin
truncate -s 1G sparse.img
yes | head -n 100 > y.txt
