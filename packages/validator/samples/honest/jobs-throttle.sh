#!/bin/bash
max=4
for f in inputs/*; do
  while [ $(jobs -rp | wc -l) -ge $max ]; do sleep 1; done
  ./process "$f" &
done
wait
