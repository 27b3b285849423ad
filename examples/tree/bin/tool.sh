#!/usr/bin/env bash
echo "the tool runs"
