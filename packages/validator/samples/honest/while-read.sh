while read -r name value; do
  ./tool --name "$name" --value "$value" &
  [ $(jobs -r | wc -l) -ge 8 ] && wait -n
done < list.txt
wait
