#!/bin/bash
declare -A size=([small]=10 [large]=1000)
for k in "${!size[@]}"; do
  ./gen --size "${size[$k]}" > "$k.dat"
done
files=(*.dat)
echo "${#files[@]} files, first ${files[0]}"
