#!/bin/bash
eval "$(micromamba shell hook --shell bash)"
micromamba activate ./env
micromamba run -n tools samtools --version
