zcat reads.fq.gz | awk 'NR % 4 == 2 { print length($0) }' | sort -n | uniq -c > lengths.txt
cut -f1,3 table.tsv | tr '\t' ',' > table.csv
