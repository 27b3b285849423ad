#!/bin/bash
for d in 0.8 0.9 1.0 1.1; do
mkdir -p d_$d
cat > d_$d/input <<EOF
# do not use curl or wget here; sudo is not needed
distance = $d
rm_tolerance = 1e-6
shutdown_after = never
EOF
(cd d_$d && ../solver input > output)
done
