#!/usr/bin/env bash
# Estimates pi by throwing darts, in rounds, and says how far it is. Needs nothing but awk.
set -euo pipefail

rounds=${ROUNDS:-10}
darts=${DARTS:-5000000}

awk -v rounds="$rounds" -v darts="$darts" '
  BEGIN {
    srand(42)
    for (round = 1; round <= rounds; round++) {
      for (dart = 0; dart < darts; dart++) {
        x = rand(); y = rand()
        if (x * x + y * y <= 1) hits++
      }
      thrown = round * darts
      printf "round %d of %d: pi is about %.6f\n", round, rounds, 4 * hits / thrown
      fflush()
    }
    printf "%.6f\n", 4 * hits / thrown > "pi.txt"
  }'

echo "The estimate is in pi.txt."
