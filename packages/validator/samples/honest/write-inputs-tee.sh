#!/bin/bash
tee params.json > /dev/null <<EOF
{ "steps": 1000, "temperature": 300 }
EOF
jq '.steps' params.json
./sim params.json 2>&1 | tee -a sim.log
