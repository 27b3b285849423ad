#!/bin/bash
#$ -cwd
#$ -V
for s in $(cat samples.txt); do
  bowtie2 -p 8 -x index/hg19 -1 ${s}_1.fq.gz -2 ${s}_2.fq.gz 2> ${s}.log | samtools view -bS - | samtools sort -o ${s}.bam
done
