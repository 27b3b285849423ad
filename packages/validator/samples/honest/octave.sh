#!/bin/sh
octave --no-gui --eval "pkg load statistics; run_all"
