#!/bin/bash
DIR="$( cd "$( dirname "${BASH_SOURCE[0]}" )" && pwd )"
cd "$DIR" || exit
"$DIR"/bin/step1.sh
bash "$DIR/bin/step2.sh" arg
python "$DIR/tools/plot.py"
