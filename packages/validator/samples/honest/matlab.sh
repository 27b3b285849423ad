#!/bin/bash
matlab -nodisplay -nosplash -r "try; run('main.m'); catch e; disp(e.message); exit(1); end; exit"
