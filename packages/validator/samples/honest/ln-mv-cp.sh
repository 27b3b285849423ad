#!/bin/bash
ln -sfn "$PWD"/data_v2 data
mv results results_$(date +%Y%m%d)
cp -r /shared/reference ./ref
cp ~/templates/input.yaml .
install -d out/logs
install -m 755 build/tool bin/tool
