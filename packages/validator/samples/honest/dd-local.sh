dd if=/dev/zero of=test.img bs=1M count=100
dd if=/dev/urandom of=$TMPDIR/x bs=1k count=1
fallocate -l 1G scratch.bin
