#!/bin/bash
source /opt/haddock3/.venv/bin/activate
haddock3 docking.cfg
cp -r run1/analysis results
