for i in 1 2 3 4; do
  ./worker $i > out.$i &
done
wait
