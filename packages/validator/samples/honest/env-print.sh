env | sort > environment.txt
printenv PATH
set -x
which python
type module
