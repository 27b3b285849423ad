#!/bin/bash
xvfb-run -a wine model.exe input.dat
