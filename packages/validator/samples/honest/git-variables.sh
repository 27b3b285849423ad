#!/bin/bash
GIT_COMMIT=$(git rev-parse HEAD); echo $GIT_COMMIT
export GIT_SHA=$(git log -1 --format=%h)
export EDITOR=vim PAGER=less; git log
$(module load gcc)
cat /proc/$$/fd/0
exec 3>&1 1>log; echo x >&3
alias ll='ls -l'; ll
