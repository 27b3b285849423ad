#!/bin/bash
./a || exit 2
./b; rc=$?
if (( rc > 1 )); then exit $rc; fi
exit 0
