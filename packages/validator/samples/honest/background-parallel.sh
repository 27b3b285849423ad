#!/bin/bash
for i in $(seq 1 8); do
  ./worker $i > worker_$i.log 2>&1 &
  pids+=($!)
done
for p in "${pids[@]}"; do wait $p || echo "failed $p"; done
