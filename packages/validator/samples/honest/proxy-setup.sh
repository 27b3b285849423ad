#!/bin/bash
export http_proxy=http://proxy.example.org:3128
export https_proxy=$http_proxy
export no_proxy=localhost,127.0.0.1
python run.py
