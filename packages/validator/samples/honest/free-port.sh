#!/bin/bash
PORT=$(python -c 'import socket; s=socket.socket(); s.bind(("", 0)); print(s.getsockname()[1]); s.close()')
export MASTER_PORT=$PORT
srun python ddp.py
