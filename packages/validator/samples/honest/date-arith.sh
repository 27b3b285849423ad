#!/bin/bash
start=$(date +%s)
d=$(date -d "yesterday" +%Y-%m-%d)
./forecast --date "$d"
end=$(date +%s)
echo "elapsed $((end - start)) s"
