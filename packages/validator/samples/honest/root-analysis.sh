#!/bin/bash
source /opt/root/bin/thisroot.sh
root -l -b -q 'analysis.C("input.root", 100)'
