numactl --cpunodebind=0 --membind=0 ./stream
taskset -c 0-3 ./app
OMP_PROC_BIND=true ./app
/usr/bin/time -v ./app 2> time.log
timeout 2h ./long || echo timed out
