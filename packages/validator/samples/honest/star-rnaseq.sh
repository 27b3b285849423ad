#!/bin/bash
STAR --runThreadN 16 --genomeDir star_index --readFilesIn <(zcat a_R1.fq.gz) <(zcat a_R2.fq.gz) --outSAMtype BAM SortedByCoordinate --quantMode GeneCounts
featureCounts -T 8 -a genes.gtf -o counts.txt *.bam
