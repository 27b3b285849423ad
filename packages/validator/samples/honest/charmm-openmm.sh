#!/bin/bash
python -u openmm_run.py -i step5_production.inp -t toppar.str -p step3_input.psf -c step3_input.crd -irst step4.rst -orst step5_1.rst -odcd step5_1.dcd > step5_1.out
