#!/usr/bin/env bash
# The smallest job: says hello, and leaves a file behind.
set -euo pipefail

echo "Hello from job $JOBCTL_JOB_ID, attempt $JOBCTL_ATTEMPT."
echo "This is what I found in my directory:"
ls
date > finished-at.txt
