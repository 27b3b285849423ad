#!/bin/bash
java -Xmx16g -Djava.io.tmpdir=$TMPDIR -jar picard.jar SortSam I=in.bam O=out.bam SO=coordinate
trimmomatic PE -threads 8 a_1.fq.gz a_2.fq.gz ILLUMINACLIP:TruSeq3-PE.fa:2:30:10
