#!/bin/bash
for y in {1980..2010}; do
  cdo -O mergetime tas_${y}??.nc tas_$y.nc
  ncks -O -v tas tas_$y.nc tmp.nc && mv tmp.nc tas_$y.nc
done
ncrcat tas_*.nc tas_all.nc
