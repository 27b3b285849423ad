#!/bin/bash
Rscript -e 'rmarkdown::render("report.Rmd", output_file = "report.html")'
Rscript -e "x <- read.csv('data.csv'); print(summary(x))"
