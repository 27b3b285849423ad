#!/bin/bash
chmod +x scripts/*.sh bin/tool
chmod 755 run_all.sh
chmod -R u+rwX,go+rX results
chmod 644 *.txt
./run_all.sh
