while true; do nvidia-smi >> gpu.log; sleep 60; done &
MON=$!
python train.py
kill $MON
