cp curl_results.txt wget.log out/
mv nc.dat data/nc.dat
ls my-sudo-notes
grep -n docker README.md
awk '/curl/ { n++ } END { print n }' log.txt
