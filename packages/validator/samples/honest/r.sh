#!/bin/bash
module load R/4.3
export R_LIBS_USER=$HOME/R/library
Rscript --vanilla analysis.R --input data.csv --output out.rds
Rscript -e 'rmarkdown::render("report.Rmd")'
