cp big.dat /dev/shm/
./app /dev/shm/big.dat
rm -rf /dev/shm/big.dat
