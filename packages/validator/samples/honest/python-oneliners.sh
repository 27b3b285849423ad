#!/bin/bash
N=$(python -c "print(2**10)")
python3 -c "import sys; print(sys.version)"
VER=$(python3 -c 'import numpy; print(numpy.__version__)')
python -m pip list > packages.txt
python -m venv venv
python3 -m json.tool config.json > /dev/null
