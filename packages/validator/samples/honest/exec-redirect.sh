#!/bin/bash
exec > run.log 2>&1
exec 3>&1
set -x
./model
exec 3>&-
