#!/bin/bash
blender -b scene.blend -o //frames/#### -s 1 -e 240 -a
ffmpeg -y -framerate 24 -i frames/%04d.png -c:v libx264 -pix_fmt yuv420p out.mp4
