#!/bin/bash
while IFS=$'\t' read -r sample r1 r2; do
  [[ $sample == \#* ]] && continue
  fastp -i "$r1" -I "$r2" -o "${sample}_1.fq.gz" -O "${sample}_2.fq.gz" -j "${sample}.json"
done < samples.tsv
