tar -xzf data.tar.gz -C "$TMPDIR"
tar --exclude='*.tmp' -czf results.tar.gz results
unzip -q x.zip -d x
md5sum results.tar.gz > results.md5
