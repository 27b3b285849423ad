echo "Do not run rm -rf / or sudo anything"
printf 'curl is not allowed here\n'
echo 'see https://example.org/curl'
