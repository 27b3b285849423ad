#!/bin/bash
yes | unzip -q data.zip
yes "" | ./configure_model
echo y | pip --version
