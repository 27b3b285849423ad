#!/bin/bash
source /cvmfs/cms.cern.ch/cmsset_default.sh
export SCRAM_ARCH=slc7_amd64_gcc700
cd CMSSW_10_6_0/src
eval `scramv1 runtime -sh`
cmsRun step3.py
