#!/usr/bin/env bash
# A job that takes long, to be cancelled.
echo "going to sleep"
sleep 600
