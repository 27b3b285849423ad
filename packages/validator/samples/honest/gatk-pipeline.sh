#!/bin/bash
#SBATCH --mem=32G
SAMPLE=$1
REF=/ref/hg38.fa
set -o pipefail
bwa mem -t 16 -R "@RG\tID:$SAMPLE\tSM:$SAMPLE\tPL:ILLUMINA" $REF ${SAMPLE}_R1.fq.gz ${SAMPLE}_R2.fq.gz | samtools sort -@ 8 -T $TMPDIR/$SAMPLE -o $SAMPLE.bam -
samtools index $SAMPLE.bam
gatk --java-options "-Xmx28g -Djava.io.tmpdir=$TMPDIR" MarkDuplicates -I $SAMPLE.bam -O $SAMPLE.dedup.bam -M metrics.txt
gatk BaseRecalibrator -R $REF -I $SAMPLE.dedup.bam --known-sites dbsnp.vcf.gz -O recal.table
gatk HaplotypeCaller -R $REF -I $SAMPLE.dedup.bam -O $SAMPLE.g.vcf.gz -ERC GVCF
rm -f $SAMPLE.bam $SAMPLE.bam.bai
