#!/bin/bash
sqlite3 results.db 'create table if not exists r(id integer, v real);'
sqlite3 results.db <<SQL
drop table if exists tmp;
.mode csv
.import out.csv r
SQL
