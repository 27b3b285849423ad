#!/bin/bash
mkdir -p curl_results wget.d nc sudo-test
./bin/shutdown_test --halt-on-error
python scripts/reboot_analysis.py --mount data --su 3
cp docker.txt kubectl.log passwd_strength.csv out/
./init.sh && ./service.sh
grep -c "sudo" logs.txt
