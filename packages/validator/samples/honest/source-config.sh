#!/bin/bash
source ./config.env
. ~/.bashrc
[ -f ~/.profile ] && source ~/.profile
source "$HOME/venvs/ml/bin/activate"
python app.py --db "$DB_FILE"
