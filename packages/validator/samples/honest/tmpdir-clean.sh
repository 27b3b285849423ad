mkdir -p "$TMPDIR"/work
./solve --scratch "$TMPDIR"/work
rm -rf "$TMPDIR"/work
