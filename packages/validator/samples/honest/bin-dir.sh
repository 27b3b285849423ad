BIN=$HOME/sw/bin
$BIN/prog -i x -o y
"$(dirname "$0")"/helper.sh
$(which python3) x.py
