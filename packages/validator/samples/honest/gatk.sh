#!/bin/bash
set -e
SAMPLE=$1
REF=ref/genome.fa
bwa mem -t 8 -R "@RG\tID:$SAMPLE\tSM:$SAMPLE" $REF ${SAMPLE}_1.fq.gz ${SAMPLE}_2.fq.gz | samtools sort -@ 4 -o $SAMPLE.bam -
samtools index $SAMPLE.bam
gatk --java-options "-Xmx8g" HaplotypeCaller -R $REF -I $SAMPLE.bam -O $SAMPLE.vcf.gz
rm -f $SAMPLE.tmp.bam
