cat > input.inp <<EOF
# rm -rf / would be bad
curl: 5
basis = 6-31G*
sudo = no
EOF
./orca input.inp
