#!/bin/bash
CMD="python x.py"; CMD+=" --a 1"; CMD+=" --b 2"; CMD+=" --c"; CMD+=" --d"; CMD+=" --e"; CMD+=" --f"; CMD+=" --g"; $CMD
eval "args=($ARGS)"
bash -c "cd $dir && ./run.sh $1 $2"
bash -c "[[ $a $op $b ]] && echo yes"
