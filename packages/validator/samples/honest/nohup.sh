nohup ./server > server.log 2>&1 &
sleep 5
./client
kill %1
