#!/bin/bash
x=$(echo "scale=4; 22/7" | bc)
y=$(echo "$x * 2" | bc -l)
z=$(expr 3 + 4)
echo "$x $y $z" | column -t
