#!/bin/bash
case $(hostname -s) in
  login*) echo "not here"; exit 1 ;;
  gpu*) DEV=cuda ;;
  *) DEV=cpu ;;
esac
python main.py --device $DEV
