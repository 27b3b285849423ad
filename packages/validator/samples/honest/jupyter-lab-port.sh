#!/bin/bash
port=$(shuf -i 8000-9999 -n 1)
echo "ssh -N -L $port:$(hostname):$port $USER@login.example.org"
jupyter lab --no-browser --port=$port --ip=127.0.0.1
