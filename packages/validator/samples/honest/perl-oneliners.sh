#!/bin/bash
perl -pe 's/\r$//' dos.txt > unix.txt
perl -ne 'print if /ATOM/' in.pdb > atoms.pdb
perl -lane '$s += $F[2]; END { print $s / $. }' table.txt
perl -i -pe 's/foo/bar/g' config.txt
