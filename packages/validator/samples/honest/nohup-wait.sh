#!/bin/bash
nohup ./server-sim > sim.log 2>&1 &
SIM=$!
sleep 2
./client-sim --pid $SIM
kill -9 $SIM 2>/dev/null
wait
