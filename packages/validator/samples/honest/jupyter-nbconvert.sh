#!/bin/bash
jupyter nbconvert --to notebook --execute analysis.ipynb --output out.ipynb
