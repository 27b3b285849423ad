#!/bin/bash
$ROSETTA3/bin/relax.linuxgccrelease -s input.pdb -nstruct 10 -ex1 -ex2 -use_input_sc -out:path:all output/
