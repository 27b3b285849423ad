#!/bin/bash
git rev-parse HEAD > commit.txt
git diff --stat > diff.txt
git log -1 --format=%H
