case "$1" in
  train) python train.py ;;
  eval) python eval.py ;;
  *) echo "usage: $0 train|eval"; exit 1 ;;
esac
